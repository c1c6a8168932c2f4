// How searches stand: counts, best values, hypervolume. The number of queries does not depend on how much there is.
import type { Database } from "./database.ts";
import { iso } from "./rows.ts";
import type { Counts, EvaluationState, FailureReason, HypervolumePoint, SearchProgress } from "./types.ts";

export function zeroCounts(): Counts {
  return { waiting: 0, running: 0, complete: 0, pruned: 0, failed: 0, cancelled: 0 };
}

/** By search id, for as many searches as a page has; two queries. Searches without candidates are there, with zeros. */
export async function searchProgress(
  { queries }: Database,
  searchIds: readonly string[],
): Promise<Map<string, SearchProgress>> {
  const progress = new Map(searchIds.map((id) => [id, noProgress()]));
  type CandidateRow = {
    search_id: string;
    state: EvaluationState;
    known: boolean;
    count: number;
    train_seconds: number;
    paid_evaluations: number;
    paid_flops: number;
    device_seconds: number;
    score: number | null;
    parameters: number | null;
    state_bytes: number | null;
    flops_per_token: number | null;
  };
  const candidates = await queries.$queryRaw<CandidateRow[]>`
    SELECT search_id, state, known_design IS NOT NULL AS known, count(*)::int AS count,
           sum(train_seconds) AS train_seconds,
           sum(paid_evaluations)::int AS paid_evaluations, sum(paid_flops) AS paid_flops,
           sum(device_seconds) AS device_seconds,
           max(score) FILTER (WHERE feasible) AS score,
           min(parameters) FILTER (WHERE feasible) AS parameters,
           min(state_bytes) FILTER (WHERE feasible) AS state_bytes,
           min(flops_per_token) FILTER (WHERE feasible) AS flops_per_token
    FROM candidates WHERE search_id = ANY(${[...searchIds]})
    GROUP BY search_id, state, known`;
  for (const row of candidates) {
    const one = progress.get(row.search_id);
    if (one === undefined) continue;
    one.trainSeconds += row.train_seconds;
    one.spent = {
      evaluations: one.spent.evaluations + row.paid_evaluations,
      flops: one.spent.flops + row.paid_flops,
      deviceSeconds: one.spent.deviceSeconds + row.device_seconds,
    };
    if (row.known) one.knownDesigns += row.count;
    else one.candidates[row.state] = row.count;
    if (row.state === "complete" && !row.known) {
      const { score, parameters, state_bytes: stateBytes, flops_per_token: flopsPerToken } = row;
      one.best = { score, parameters, stateBytes, flopsPerToken };
    }
  }

  type EvaluationRow = { search_id: string; state: EvaluationState; reason: FailureReason | null; count: number };
  const evaluations = await queries.$queryRaw<EvaluationRow[]>`
    SELECT search_id, state, reason, count(*)::int AS count
    FROM evaluations WHERE search_id = ANY(${[...searchIds]})
    GROUP BY search_id, state, reason`;
  for (const { search_id, state, reason, count } of evaluations) {
    const one = progress.get(search_id);
    if (one === undefined) continue;
    one.evaluations[state] += count;
    if (reason !== null) one.failuresByReason[reason] = count;
  }
  return progress;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function noProgress(): Mutable<SearchProgress> {
  return {
    candidates: zeroCounts(),
    knownDesigns: 0,
    evaluations: zeroCounts(),
    failuresByReason: {},
    best: { score: null, parameters: null, stateBytes: null, flopsPerToken: null },
    trainSeconds: 0,
    spent: { evaluations: 0, flops: 0, deviceSeconds: 0 },
  };
}

/** In the order of telling: the first point, every point where the value changed, and the last. */
export async function hypervolumeSeries({ queries }: Database, searchId: string): Promise<HypervolumePoint[]> {
  type Row = { number: number; at: Date; train_seconds: number; hypervolume: number };
  const rows = await queries.$queryRaw<Row[]>`
    SELECT number, at, train_seconds, hypervolume
    FROM (
      SELECT number, finished_at AS at, told_order, hypervolume,
             sum(train_seconds) OVER told AS train_seconds,
             lag(hypervolume) OVER told AS before,
             lead(told_order) OVER told AS next
      FROM candidates
      WHERE search_id = ${searchId} AND told_order IS NOT NULL AND hypervolume IS NOT NULL
      WINDOW told AS (ORDER BY told_order)
    ) AS series
    WHERE before IS DISTINCT FROM hypervolume OR next IS NULL
    ORDER BY told_order`;
  return rows.map(({ number, at, train_seconds, hypervolume }) => ({
    ...{ number, at: iso(at), trainSeconds: train_seconds, hypervolume },
  }));
}
