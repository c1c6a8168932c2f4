// The right to work on an evaluation, for a time. Every comparison uses the database's clock, and a result counts only
// while its lease's fence is the evaluation's own.
import type { SearchConfig } from "../../../genome/space.ts";
import type { Database, Queries } from "./database.ts";
import { isOverdue } from "./due-searches.ts";
import { appendEvents, type NewEvent } from "./events.ts";
import { admit, type GatedPlace, isGated, nextWaiting } from "./gate.ts";
import { lockResultKeys, reuseResults } from "./results.ts";
import { iso } from "./rows.ts";
import { finishedEvents, heldSeconds, lockCandidates, searchIdsOf, settleCandidates } from "./settle.ts";
import type { EvaluationResult, FailureReason, JsonObject, Lease, LeasedEvaluation, Settled, Swept } from "./types.ts";

/** After this many lost leases an evaluation has failed. */
export const maxAttempts = 3;

interface LeaseRow {
  search_id: string;
  candidate_id: string;
  number: number;
  genome: string;
  genome_hash: string;
  config: SearchConfig;
  task: string;
  setting: JsonObject;
  result_key: string;
  seed: bigint;
  attempt: number;
  fence: bigint;
  lease_expires_at: Date;
}

/**
 * Null unless the evaluation waits, its search is running and has room for it (`gate.ts`), and no equal evaluation is
 * running: then that one's result will serve both.
 */
export async function leaseEvaluation(
  db: Database,
  evaluationId: string,
  workerId: string,
  leaseSeconds: number,
): Promise<LeasedEvaluation | null> {
  return db.transaction(async (queries) => {
    const place = await findPlace(queries, evaluationId);
    if (place === null || place.state !== "waiting") return null;
    if (isGated(place) && !(await admit(queries, place))) return null;
    await lockResultKeys(queries, [place.result_key]);
    await lockCandidates(queries, [place.candidate_id]);
    const [row] = await queries.$queryRaw<LeaseRow[]>`
      UPDATE evaluations SET
        state = 'running', worker_id = ${workerId}, attempt = attempt + 1, fence = fence + 1, started_at = now(),
        lease_expires_at = clock_timestamp() + make_interval(secs => ${leaseSeconds})
      FROM searches, candidates
      WHERE evaluations.id = ${evaluationId} AND evaluations.state = 'waiting'
        AND searches.id = evaluations.search_id AND searches.state = 'running' AND searches.deleted_at IS NULL
        AND NOT ${isOverdue}
        AND candidates.id = evaluations.candidate_id
        AND NOT EXISTS (
          SELECT FROM evaluations AS equal WHERE equal.result_key = ${place.result_key} AND equal.state = 'running')
      RETURNING evaluations.search_id, candidate_id, number, genome, genome_hash, config, task, setting, result_key,
                seed, attempt, fence, lease_expires_at`;
    if (row === undefined) return null;
    await settleCandidates(queries, [row.candidate_id]);
    const { search_id: searchId, candidate_id: candidateId, number, task, attempt } = row;
    const data = { evaluationId, candidateId, number, task, workerId, attempt };
    await appendEvents(queries, [{ type: "evaluation.started", searchId, data }]);
    return {
      ...{ evaluationId, workerId, searchId, candidateId, number, task, attempt },
      fence: Number(row.fence),
      genome: row.genome,
      genomeHash: row.genome_hash,
      config: row.config,
      setting: row.setting,
      resultKey: row.result_key,
      seed: Number(row.seed),
      expiresAt: iso(row.lease_expires_at),
    };
  });
}

/** `lost`: someone else may work on it now. `cancelled`: nobody shall. In both cases stop; no result will count. */
export async function renewLease(
  { queries }: Database,
  { evaluationId, fence }: Lease,
  leaseSeconds: number,
): Promise<"held" | "lost" | "cancelled"> {
  const rows = await queries.$queryRaw<{ held: boolean; state: string }[]>`
    WITH renewed AS (
      UPDATE evaluations SET lease_expires_at = clock_timestamp() + make_interval(secs => ${leaseSeconds})
      WHERE id = ${evaluationId} AND fence = ${fence} AND state = 'running'
      RETURNING id
    )
    SELECT EXISTS (SELECT FROM renewed) AS held, state::text AS state FROM evaluations WHERE id = ${evaluationId}`;
  if (rows[0]?.held) return "held";
  return rows[0]?.state === "cancelled" ? "cancelled" : "lost";
}

/**
 * Writes a result while the lease still holds; null when it came too late. Waiting evaluations with the same key, in
 * any search, take it over.
 */
export async function finishEvaluation(db: Database, lease: Lease, result: EvaluationResult): Promise<Settled | null> {
  const { evaluationId, fence, workerId } = lease;
  return db.transaction(async (queries) => {
    const place = await findPlace(queries, evaluationId);
    if (place === null) return null;
    await lockResultKeys(queries, [place.result_key]);
    const equals = await queries.$queryRaw<{ candidate_id: string }[]>`
      SELECT DISTINCT candidate_id FROM evaluations WHERE result_key = ${place.result_key} AND state = 'waiting'`;
    const candidates = [...new Set([place.candidate_id, ...equals.map((row) => row.candidate_id)])];
    await lockCandidates(queries, candidates);
    const written = await queries.$executeRaw`
      UPDATE evaluations SET
        state = 'complete', outcome = ${result.outcome}::text::"Outcome", score = ${result.score},
        metrics = ${JSON.stringify(result.metrics)}::jsonb, curve = ${JSON.stringify(result.curve)}::jsonb,
        engine = ${result.engine}, train_seconds = ${result.trainSeconds},
        step_ms = ${result.stepMs}, device_seconds = device_seconds + ${result.trainSeconds},
        lease_expires_at = NULL, finished_at = clock_timestamp()
      WHERE id = ${evaluationId} AND fence = ${fence} AND state = 'running'`;
    if (written === 0) return null;
    await reuseResults(queries, [place.result_key]);
    const finished = await settleCandidates(queries, candidates);
    const data = { evaluationId, candidateId: place.candidate_id, task: place.task, workerId, state: "complete" };
    const { outcome, score, trainSeconds } = result;
    await appendEvents(queries, [
      {
        type: "evaluation.finished",
        searchId: place.search_id,
        data: { ...data, outcome, score, trainSeconds, reason: null },
      },
      ...finishedEvents(finished),
    ]);
    return { searchIds: searchIdsOf(finished), waiting: await nextWaiting(queries, place) };
  });
}

/**
 * Ends a lease without a result. With `retry` (the machine's fault, not the candidate's) the evaluation waits again
 * while attempts are left. Null when it came too late.
 */
export async function failEvaluation(
  db: Database,
  lease: Lease,
  failure: { reason: FailureReason; message: string; retry: boolean },
): Promise<Swept | null> {
  return endLease(db, lease, { ...failure, refund: false });
}

/** Gives an evaluation back as if it had never been taken (a worker that drains). Null when it came too late. */
export async function releaseLease(db: Database, lease: Lease): Promise<Swept | null> {
  return endLease(db, lease, { reason: "worker-lost", message: "given back", retry: true, refund: true });
}

/** Takes back every lease that ran out: the evaluation waits again, or after the last attempt has failed. */
export async function sweepExpiredLeases(db: Database): Promise<Swept> {
  return db.transaction(async (queries) => {
    const expired = await queries.$queryRaw<{ id: string; candidate_id: string }[]>`
      SELECT id, candidate_id FROM evaluations WHERE state = 'running' AND lease_expires_at < now()`;
    if (expired.length === 0) return { waiting: [], failed: [], searchIds: [] };
    await lockCandidates(queries, [...new Set(expired.map((row) => row.candidate_id))]);
    const still = await queries.$queryRaw<{ id: string }[]>`
      SELECT id FROM evaluations
      WHERE id = ANY(${expired.map(({ id }) => id)}) AND state = 'running' AND lease_expires_at < now()
      ORDER BY id FOR NO KEY UPDATE`;
    const message = `the worker did not renew its lease, ${maxAttempts} times`;
    return giveUp(
      queries,
      still.map(({ id }) => id),
      { reason: "worker-lost", message, retry: true, refund: false },
    );
  });
}

interface Ending {
  readonly reason: FailureReason;
  readonly message: string;
  readonly retry: boolean;
  /** The attempt does not count. */
  readonly refund: boolean;
}

async function endLease(db: Database, { evaluationId, fence }: Lease, ending: Ending): Promise<Swept | null> {
  return db.transaction(async (queries) => {
    const place = await findPlace(queries, evaluationId);
    if (place === null) return null;
    await lockCandidates(queries, [place.candidate_id]);
    const held = await queries.$queryRaw<{ id: string }[]>`
      SELECT id FROM evaluations WHERE id = ${evaluationId} AND fence = ${fence} AND state = 'running'
      FOR NO KEY UPDATE`;
    if (held.length === 0) return null;
    const swept = await giveUp(queries, [evaluationId], ending);
    const heirs = await queries.$queryRaw<{ id: string }[]>`
      SELECT id FROM evaluations WHERE result_key = ${place.result_key} AND state = 'waiting' ORDER BY created_at, id`;
    const rung = [...swept.waiting, ...heirs.map(({ id }) => id), ...(await nextWaiting(queries, place))];
    return { ...swept, waiting: [...new Set(rung)] };
  });
}

/** Ends locked, running evaluations; a failure cancels what waits of the same candidate, for it can no longer be complete. */
async function giveUp(
  queries: Queries,
  ids: readonly string[],
  { reason, message, retry, refund }: Ending,
): Promise<Swept> {
  type Row = { id: string; search_id: string; candidate_id: string; task: string; state: string; attempt: number };
  const ended = await queries.$queryRaw<Row[]>`
    UPDATE evaluations SET
      state = next.state,
      reason = CASE WHEN next.state = 'failed' THEN ${reason}::text::"FailureReason" END,
      message = CASE WHEN next.state = 'failed' THEN ${message} END,
      attempt = attempt - ${refund ? 1 : 0}::int,
      device_seconds = ${heldSeconds},
      worker_id = CASE WHEN next.state <> 'waiting' THEN worker_id END,
      started_at = CASE WHEN next.state <> 'waiting' THEN started_at END,
      finished_at = CASE WHEN next.state <> 'waiting' THEN clock_timestamp() END,
      lease_expires_at = NULL
    FROM (
      SELECT evaluations.id, CASE
          WHEN searches.deleted_at IS NOT NULL OR searches.state NOT IN ('running', 'paused') THEN 'cancelled'
          WHEN NOT ${retry}::boolean OR (attempt >= ${maxAttempts}::int AND NOT ${refund}::boolean) THEN 'failed'
          ELSE 'waiting'
        END::"EvaluationState" AS state
      FROM evaluations JOIN searches ON searches.id = search_id
      WHERE evaluations.id = ANY(${[...ids]})
    ) AS next
    WHERE evaluations.id = next.id
    RETURNING evaluations.id, search_id, candidate_id, task, evaluations.state::text AS state, attempt`;
  const failed = ended.filter(({ state }) => state === "failed");
  await queries.$executeRaw`
    UPDATE evaluations SET state = 'cancelled', finished_at = clock_timestamp()
    WHERE candidate_id = ANY(${failed.map((row) => row.candidate_id)}) AND state = 'waiting'`;
  const finished = await settleCandidates(queries, [...new Set(ended.map((row) => row.candidate_id))]);
  const events = ended.map(({ id, search_id, candidate_id, task, state, attempt }): NewEvent => {
    const data = { evaluationId: id, candidateId: candidate_id, task, state, attempt };
    return state === "waiting"
      ? { type: "evaluation.returned", searchId: search_id, data }
      : {
          type: "evaluation.finished",
          searchId: search_id,
          data: { ...data, reason: state === "failed" ? reason : null },
        };
  });
  await appendEvents(queries, [...events, ...finishedEvents(finished)]);
  return {
    waiting: ended.filter(({ state }) => state === "waiting").map(({ id }) => id),
    failed: failed.map(({ id }) => id),
    searchIds: searchIdsOf(finished),
  };
}

async function findPlace(queries: Queries, id: string) {
  type Row = GatedPlace & { candidate_id: string; task: string; result_key: string; state: string };
  const rows = await queries.$queryRaw<Row[]>`
    SELECT search_id, candidate_id, task, result_key, evaluations.state::text AS state, flops,
           (config->>'concurrency')::int AS concurrency, (config->'budget'->>'deviceSeconds')::float8 AS device_budget
    FROM evaluations JOIN searches ON searches.id = search_id WHERE evaluations.id = ${id}`;
  return rows[0] ?? null;
}
