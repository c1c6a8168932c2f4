// Totals for /metrics: five queries whatever the history.
import type { Database } from "./database.ts";
import { zeroCounts } from "./progress.ts";
import type { EvaluationState, FailureReason, SearchState, ServiceCounts } from "./types.ts";
import { listWorkers } from "./workers.ts";

export async function serviceCounts(db: Database): Promise<ServiceCounts> {
  const { queries } = db;
  const searches = await queries.$queryRaw<{ state: SearchState; count: number }[]>`
    SELECT state, count(*)::int AS count FROM searches WHERE deleted_at IS NULL GROUP BY state`;
  const candidates = await queries.$queryRaw<{ state: EvaluationState; count: number }[]>`
    SELECT candidates.state, count(*)::int AS count
    FROM candidates JOIN searches ON searches.id = search_id AND deleted_at IS NULL GROUP BY candidates.state`;
  type Row = {
    state: EvaluationState;
    reason: FailureReason | null;
    count: number;
    diverged: number;
    reused: number;
    train_seconds: number | null;
  };
  const evaluations = await queries.$queryRaw<Row[]>`
    SELECT evaluations.state, evaluations.reason, count(*)::int AS count,
           count(*) FILTER (WHERE outcome = 'diverged')::int AS diverged,
           count(reused_from)::int AS reused,
           sum(train_seconds) FILTER (WHERE reused_from IS NULL) AS train_seconds
    FROM evaluations JOIN searches ON searches.id = search_id AND deleted_at IS NULL
    GROUP BY evaluations.state, evaluations.reason`;
  const [oldest] = await queries.$queryRaw<{ seconds: number | null }[]>`
    SELECT extract(epoch FROM now() - min(evaluations.created_at))::float8 AS seconds
    FROM evaluations JOIN searches ON searches.id = search_id AND searches.state = 'running' AND deleted_at IS NULL
    WHERE evaluations.state = 'waiting'`;
  const workers = await listWorkers(db);

  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const byState = zeroCounts();
  const failures = { oom: 0, timeout: 0, invalid: 0, "worker-lost": 0, internal: 0 };
  for (const { state, reason, count } of evaluations) {
    byState[state] += count;
    if (reason !== null) failures[reason] += count;
  }
  return {
    searches: {
      ...{ queued: 0, running: 0, paused: 0, stopping: 0, completed: 0, cancelled: 0, failed: 0 },
      ...Object.fromEntries(searches.map(({ state, count }) => [state, count])),
    },
    candidates: { ...zeroCounts(), ...Object.fromEntries(candidates.map(({ state, count }) => [state, count])) },
    evaluations: byState,
    failures,
    diverged: sum(evaluations.map((row) => row.diverged)),
    reused: sum(evaluations.map((row) => row.reused)),
    trainSeconds: sum(evaluations.map((row) => row.train_seconds ?? 0)),
    oldestWaitingSeconds: oldest?.seconds ?? 0,
    workers: {
      online: workers.filter(({ state }) => state === "online").length,
      draining: workers.filter(({ state }) => state === "draining").length,
      offline: workers.filter(({ state }) => state === "offline").length,
    },
  };
}
