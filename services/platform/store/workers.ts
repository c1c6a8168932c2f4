// Who works: registered at start, kept alive by heartbeats, judged by the database's clock.
import type { Database, Queries } from "./database.ts";
import { appendEvents } from "./events.ts";
import { newId } from "./ids.ts";
import { iso } from "./rows.ts";
import type { WorkerRecord } from "./types.ts";

/** Three missed heartbeats of 10 s. */
export const offlineAfterSeconds = 30;

export interface NewWorker {
  readonly host: string;
  readonly pid: number;
  readonly engine: string;
  /** Evaluations it works on at once. */
  readonly concurrency: number;
}

export async function registerWorker(db: Database, worker: NewWorker): Promise<string> {
  const id = newId(8);
  await db.transaction(async (queries) => {
    await queries.worker.create({ data: { id, ...worker } });
    await appendEvents(queries, [{ type: "worker.changed", searchId: null, data: { workerId: id, state: "online" } }]);
  });
  return id;
}

/** Says whether the worker shall drain: finish or give back what it has and take nothing new. Null: register again. */
export async function heartbeatWorker({ queries }: Database, id: string): Promise<{ draining: boolean } | null> {
  const rows = await queries.$queryRaw<{ draining: boolean }[]>`
    UPDATE workers SET heartbeat_at = now() WHERE id = ${id} AND stopped_at IS NULL RETURNING draining`;
  return rows[0] ?? null;
}

/** Asks a worker to drain, at its next heartbeat. False where there is none that has not stopped. */
export async function drainWorker(db: Database, id: string): Promise<boolean> {
  return changeWorker(db, id, "draining", (queries) => {
    return queries.$executeRaw`UPDATE workers SET draining = true WHERE id = ${id} AND stopped_at IS NULL`;
  });
}

/** The worker's own last word. */
export async function stopWorker(db: Database, id: string): Promise<boolean> {
  return changeWorker(db, id, "offline", (queries) => {
    return queries.$executeRaw`UPDATE workers SET stopped_at = now() WHERE id = ${id} AND stopped_at IS NULL`;
  });
}

/** Those that have not stopped, and were heard of within a day. */
export async function listWorkers({ queries }: Database): Promise<WorkerRecord[]> {
  type Row = Omit<WorkerRecord, "startedAt" | "heartbeatAt"> & { started_at: Date; heartbeat_at: Date };
  const rows = await queries.$queryRaw<Row[]>`
    SELECT id, host, pid, engine, concurrency, started_at, heartbeat_at,
      CASE WHEN heartbeat_at < now() - make_interval(secs => ${offlineAfterSeconds}) THEN 'offline'
           WHEN draining THEN 'draining' ELSE 'online' END AS state,
      ARRAY(
        SELECT evaluations.id FROM evaluations
        WHERE worker_id = workers.id AND state = 'running' ORDER BY evaluations.started_at, evaluations.id
      ) AS running
    FROM workers
    WHERE stopped_at IS NULL AND heartbeat_at > now() - interval '1 day'
    ORDER BY started_at, id`;
  return rows.map(({ started_at, heartbeat_at, ...rest }) => ({
    ...{ ...rest, startedAt: iso(started_at), heartbeatAt: iso(heartbeat_at) },
  }));
}

async function changeWorker(
  db: Database,
  id: string,
  state: WorkerRecord["state"],
  change: (queries: Queries) => Promise<number>,
): Promise<boolean> {
  return db.transaction(async (queries) => {
    const changed = (await change(queries)) > 0;
    if (changed) {
      await appendEvents(queries, [{ type: "worker.changed", searchId: null, data: { workerId: id, state } }]);
    }
    return changed;
  });
}
