// How searches stand: counts, best values, hypervolume. The number of queries does not depend on how much there is.
import { type ObjectiveName, objectiveDirections, type TaskObjective, taskNames } from "../../../genome/space.ts";
import { Prisma } from "../../../prisma/client/client.ts";
import type { Database } from "./database.ts";
import { iso } from "./rows.ts";
import type { Counts, EvaluationState, FailureReason, HypervolumePoint, SearchProgress } from "./types.ts";

/** Where each objective stands in a row of `candidates`. */
const columns: Record<ObjectiveName, Prisma.Sql> = {
  score: Prisma.sql`score`,
  parameters: Prisma.sql`parameters`,
  stateBytes: Prisma.sql`state_bytes`,
  flopsPerToken: Prisma.sql`flops_per_token`,
  stepMs: Prisma.sql`step_ms`,
  ...(Object.fromEntries(
    taskNames.map((task) => [`score:${task}`, Prisma.sql`(task_scores->>${task}::text)::float8`]),
  ) as Record<TaskObjective, Prisma.Sql>),
};
const objectiveNames = Object.keys(columns) as ObjectiveName[];

/** Names and best values in turn, of the feasible candidates of a group. */
const bestOfEach = Prisma.join(
  objectiveNames.map((name) => {
    const best = objectiveDirections[name] === "maximize" ? Prisma.sql`max` : Prisma.sql`min`;
    return Prisma.sql`${name}::text, ${best}(${columns[name]}) FILTER (WHERE feasible)`;
  }),
);

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
    best: SearchProgress["best"];
  };
  const candidates = await queries.$queryRaw<CandidateRow[]>`
    SELECT search_id, state, known_design IS NOT NULL AS known, count(*)::int AS count,
           sum(train_seconds) AS train_seconds,
           sum(paid_evaluations)::int AS paid_evaluations, sum(paid_flops) AS paid_flops,
           sum(device_seconds) AS device_seconds,
           jsonb_build_object(${bestOfEach}) AS best
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
    if (row.state === "complete" && !row.known) one.best = row.best;
  }

  type EvaluationRow = {
    search_id: string;
    state: EvaluationState;
    reason: FailureReason | null;
    count: number;
    reused: number;
  };
  const evaluations = await queries.$queryRaw<EvaluationRow[]>`
    SELECT search_id, state, reason, count(*)::int AS count, count(reused_from)::int AS reused
    FROM evaluations WHERE search_id = ANY(${[...searchIds]})
    GROUP BY search_id, state, reason`;
  for (const { search_id, state, reason, count, reused } of evaluations) {
    const one = progress.get(search_id);
    if (one === undefined) continue;
    one.evaluations[state] += count;
    one.reused += reused;
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
    reused: 0,
    failuresByReason: {},
    best: Object.fromEntries(objectiveNames.map((name) => [name, null])) as SearchProgress["best"],
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
