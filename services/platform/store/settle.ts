// A candidate's state and score follow from its evaluations: the one rule, applied whenever one of them changes.

import { Prisma } from "../../../prisma/client/client.ts";
import type { Queries } from "./database.ts";
import type { NewEvent } from "./events.ts";
import type { EvaluationState, FailureReason, Outcome } from "./types.ts";

/** Of an evaluation, with the lease that now ends without a result: until now, or until it ran out. */
export const heldSeconds = Prisma.sql`
  device_seconds + CASE WHEN evaluations.state = 'running'
    THEN greatest(0, extract(epoch FROM least(clock_timestamp(), lease_expires_at) - started_at))::float8 ELSE 0 END`;

export interface FinishedCandidate {
  readonly id: string;
  readonly searchId: string;
  readonly number: number;
  readonly state: EvaluationState;
  readonly outcome: Outcome | null;
  readonly reason: FailureReason | null;
  readonly score: number | null;
}

/** What counts against a budget: all but results taken over, and what was cancelled before a worker had it. */
const isPaid = Prisma.sql`reused_from IS NULL AND (attempt > 0 OR state IN ('waiting', 'running'))`;

/** An evaluation changes only while its candidate is locked, so two that finish together see each other. */
export async function lockCandidates(queries: Queries, ids: readonly string[]): Promise<void> {
  await queries.$queryRaw`SELECT id FROM candidates WHERE id = ANY(${[...ids]}) ORDER BY id FOR NO KEY UPDATE`;
}

/**
 * Brings locked candidates up to date and returns those that thereby finished, or finished a rung: one that is not on
 * its last rung then waits for a decision, with the score in `rung_scores`; where nothing is decided any more it is
 * cancelled. Something unfinished: running once
 * anything has begun, else waiting. All finished: failed if any failed, else cancelled, else pruned, else complete.
 * The score is that of the present rung: the mean of the task scores, a task score the mean over its settings; diverged if any diverged.
 */
export async function settleCandidates(queries: Queries, ids: readonly string[]): Promise<FinishedCandidate[]> {
  if (ids.length === 0) return [];
  const rows = await queries.$queryRaw<(Omit<FinishedCandidate, "searchId"> & { search_id: string })[]>`
    WITH task_means AS (
      SELECT candidate_id, task, avg(evaluations.score ORDER BY position) AS score
      FROM evaluations JOIN candidates ON candidates.id = candidate_id
      WHERE candidate_id = ANY(${[...ids]}) AND evaluations.state = 'complete' AND evaluations.rung = candidates.rung
      GROUP BY candidate_id, task
    ), scores AS (
      SELECT candidate_id, avg(score ORDER BY task COLLATE "C") AS score, jsonb_object_agg(task, score) AS task_scores
      FROM task_means GROUP BY candidate_id
    ), tallies AS (
      SELECT
        candidate_id,
        CASE
          WHEN bool_or(state = 'running') THEN 'running'
          WHEN bool_or(state = 'waiting') AND bool_or(state <> 'waiting') THEN 'running'
          WHEN bool_or(state = 'waiting') THEN 'waiting'
          WHEN bool_or(state = 'failed') THEN 'failed'
          WHEN bool_or(state = 'cancelled') THEN 'cancelled'
          WHEN bool_or(state = 'pruned') THEN 'pruned'
          ELSE 'complete'
        END::"EvaluationState" AS state,
        coalesce(bool_or(outcome = 'diverged'), false) AS diverged,
        avg(step_ms ORDER BY position) AS step_ms,
        (array_agg(reason ORDER BY position) FILTER (WHERE state = 'failed'))[1] AS reason,
        (array_agg(message ORDER BY position) FILTER (WHERE state = 'failed'))[1] AS message,
        coalesce(sum(train_seconds ORDER BY position) FILTER (WHERE reused_from IS NULL), 0) AS train_seconds,
        count(*) FILTER (WHERE ${isPaid})::int AS paid_evaluations,
        coalesce(sum(flops ORDER BY position) FILTER (WHERE ${isPaid}), 0) AS paid_flops,
        sum(device_seconds ORDER BY position) AS device_seconds
      FROM evaluations WHERE candidate_id = ANY(${[...ids]})
      GROUP BY candidate_id
    ), states AS (
      SELECT tallies.*, candidates.rung, NOT is_final AND tallies.state = 'complete' AS rests,
             CASE WHEN is_final OR tallies.state <> 'complete' THEN tallies.state
                  WHEN searches.state IN ('queued', 'running', 'paused') THEN 'waiting'
                  ELSE 'cancelled' END AS next
      FROM tallies JOIN candidates ON candidates.id = candidate_id JOIN searches ON searches.id = search_id
    ), settled AS (
      UPDATE candidates SET
        state = tallies.next,
        rung_scores = CASE WHEN tallies.rests AND cardinality(candidates.rung_scores) = tallies.rung
                           THEN candidates.rung_scores || scores.score ELSE candidates.rung_scores END,
        outcome = CASE WHEN tallies.next <> 'complete' THEN NULL
                       WHEN diverged THEN 'diverged' ELSE 'scored' END::"Outcome",
        reason = CASE WHEN tallies.next = 'failed' THEN tallies.reason END,
        message = CASE WHEN tallies.next = 'failed' THEN tallies.message END,
        score = CASE WHEN tallies.next = 'complete' THEN scores.score END,
        step_ms = CASE WHEN tallies.next = 'complete' THEN tallies.step_ms END,
        task_scores = coalesce(scores.task_scores, '{}'),
        train_seconds = tallies.train_seconds,
        paid_evaluations = tallies.paid_evaluations,
        paid_flops = tallies.paid_flops,
        device_seconds = tallies.device_seconds,
        finished_at = CASE WHEN tallies.next NOT IN ('waiting', 'running') THEN clock_timestamp() END
      FROM states AS tallies LEFT JOIN scores USING (candidate_id)
      WHERE candidates.id = tallies.candidate_id AND candidates.state IN ('waiting', 'running')
      RETURNING candidates.id, search_id, number, candidates.state, candidates.outcome, candidates.reason,
                candidates.score, tallies.rests
    )
    SELECT id, search_id, number, state, outcome, reason, score FROM settled
    WHERE rests OR state NOT IN ('waiting', 'running') ORDER BY search_id, number`;
  return rows.map(({ search_id, ...row }) => ({ ...row, searchId: search_id }));
}

/** Cancels every evaluation of a search that is in one of the states, and settles their candidates. */
export async function cancelEvaluations(
  queries: Queries,
  searchId: string,
  states: readonly EvaluationState[],
): Promise<FinishedCandidate[]> {
  if (states.length === 0) return [];
  const candidates = await queries.$queryRaw<{ id: string }[]>`
    SELECT id FROM candidates WHERE search_id = ${searchId} AND state IN ('waiting', 'running')
    ORDER BY id FOR NO KEY UPDATE`;
  const list = Prisma.join(states.map((state) => Prisma.sql`${state}::text::"EvaluationState"`));
  await queries.$executeRaw`
    UPDATE evaluations SET
      state = 'cancelled', device_seconds = ${heldSeconds}, lease_expires_at = NULL, finished_at = now()
    WHERE search_id = ${searchId} AND state IN (${list})`;
  return settleCandidates(
    queries,
    candidates.map(({ id }) => id),
  );
}

export function finishedEvents(finished: readonly FinishedCandidate[]): NewEvent[] {
  return finished.map(({ id, searchId, number, state, outcome, reason, score }) => ({
    type: state === "waiting" ? "candidate.rested" : "candidate.finished",
    searchId,
    data: { candidateId: id, number, state, outcome, reason, score },
  }));
}

export function searchIdsOf(finished: readonly FinishedCandidate[]): string[] {
  return [...new Set(finished.map(({ searchId }) => searchId))];
}
