// Queues are doorbells: an entry holds the id of something that is a row in Postgres, and says "look at it". An entry
// that is lost costs a few seconds, until the reconciler rings again; an entry that comes twice finds nothing to do.
//
// BullMQ on its Postgres backend unless a Redis is given; everything above this file is the same.
import type { Job, Queue, Worker } from "bullmq";
import { z } from "zod";
import { AppError } from "./errors.ts";
import type { Log } from "./log.ts";
import { openPostgresBackend } from "./queue/postgres-backend.ts";
import { openRedisBackend } from "./queue/redis-backend.ts";

/** Each queue with the id its entries carry. */
export const queueTable = {
  /** A search whose algorithm should look at its results. */
  advance: z.string().regex(/^[0-9a-z]{12}$/, "the id of a search"),
  /** An evaluation that waits for a worker. */
  evaluate: z.string().regex(/^[0-9a-z]{12}-\d+-\d+$/, "the id of an evaluation"),
  /** A candidate whose files were asked for. */
  export: z.string().regex(/^[0-9a-z]{12}-\d+$/, "the id of a candidate"),
} as const satisfies Record<string, z.ZodType<string>>;

export type QueueName = keyof typeof queueTable;
export const queueNames = Object.keys(queueTable) as QueueName[];

export interface QueueOptions {
  readonly databaseUrl: string;
  readonly redisUrl?: string | undefined;
  /** Keeps installations apart: a prefix of keys in Redis, a schema of its own in Postgres. */
  readonly prefix: string;
  /** After this long without a sign of life, an entry is taken from its worker and given to another. */
  readonly lockSeconds: number;
  readonly log: Log;
}

/** What is used of BullMQ's classes, whose types differ from backend to backend. */
type EntryQueue = Pick<Queue, "addBulk" | "getJobCounts" | "obliterate" | "waitUntilReady" | "close"> & Listening;
type EntryWorker = Pick<Worker, "close"> & Listening;
interface Listening {
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "failed", listener: (job: Job | undefined, error: Error) => void): unknown;
}

/** Where the entries lie: how BullMQ reaches it, and the little that BullMQ has no word for. */
export interface Backend {
  readonly name: "postgres" | "redis";
  openQueue(name: QueueName): EntryQueue;
  openWorker(name: QueueName, handler: (job: Job) => Promise<void>, options: WorkerTuning): EntryWorker;
  /** One write. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface WorkerTuning {
  readonly concurrency: number;
  readonly lockDuration: number;
  readonly stalledInterval: number;
  readonly maxStalledCount: number;
  readonly runRetryDelay: number;
}

const requestLimitMs = 5000;

/** Connects, and makes the backend's own tables where it has none (under a lock). */
export async function openQueues(options: QueueOptions): Promise<Queues> {
  const backend = await (options.redisUrl === undefined
    ? openPostgresBackend(options)
    : openRedisBackend({ ...options, redisUrl: options.redisUrl }));
  const queues = new Queues(backend, options);
  try {
    await queues.ready();
  } catch (error) {
    await queues.close().catch(() => undefined);
    throw error;
  }
  return queues;
}

export class Queues {
  readonly #backend: Backend;
  readonly #queues: Record<QueueName, EntryQueue>;
  readonly #workers = new Set<EntryWorker>();
  readonly #lockSeconds: number;
  readonly #log: Log;
  readonly #lastSaid = new Map<string, number>();

  constructor(backend: Backend, { lockSeconds, log }: Pick<QueueOptions, "lockSeconds" | "log">) {
    this.#backend = backend;
    this.#lockSeconds = lockSeconds;
    this.#log = log;
    this.#queues = Object.fromEntries(queueNames.map((name) => [name, backend.openQueue(name)])) as Record<
      QueueName,
      EntryQueue
    >;
    for (const name of queueNames) this.#queues[name].on("error", this.#complain(name));
  }

  get backend(): "postgres" | "redis" {
    return this.#backend.name;
  }

  /**
   * Resolves once the tables are there: a queue that failed to make or read them never tries again. A Redis that is down
   * is not waited for; it is used whenever it comes.
   */
  async ready(): Promise<void> {
    if (this.backend === "redis") return;
    const opened = Object.values(this.#queues).map((queue) => queue.waitUntilReady());
    await Promise.all(opened).catch((cause) => {
      throw new AppError("QUEUE_UNAVAILABLE", `the queue in postgres cannot be set up: ${cause.message}`, { cause });
    });
  }

  /**
   * Rings for each id: nothing is added while an equal entry waits, and exactly one more follows while one is being
   * worked on. Smaller priorities go first; without one, before them all. False, and a line in the log, where the
   * backend did not take it.
   */
  async enqueue(
    name: QueueName,
    ids: string | readonly string[],
    { priority = 0 }: { priority?: number } = {},
  ): Promise<boolean> {
    const entries = [ids].flat().map((id) => ({
      name,
      data: { id: queueTable[name].parse(id) },
      opts: { priority, deduplication: { id, keepLastIfActive: true }, removeOnComplete: true, removeOnFail: 100 },
    }));
    if (entries.length === 0) return true;
    try {
      await withinLimit(this.#queues[name].addBulk(entries));
      return true;
    } catch (error) {
      this.#complain(name)(error as Error);
      return false;
    }
  }

  /** The handler's rejection is logged and its entry forgotten: the rows know what is left to do. */
  work(name: QueueName, handler: (id: string) => Promise<void>, { concurrency }: { concurrency: number }): QueueWorker {
    // Whole milliseconds: with a fraction the backends find no stalled entry, and say nothing.
    const lockDuration = Math.ceil(this.#lockSeconds * 1000);
    const worker = this.#backend.openWorker(name, (job) => handler(readEntry(name, job)), {
      concurrency,
      lockDuration,
      stalledInterval: Math.ceil(lockDuration / 3),
      // The lease on the row counts the attempts.
      maxStalledCount: 1_000_000_000,
      runRetryDelay: 1000,
    });
    worker.on("error", this.#complain(name));
    worker.on("failed", (job, error) => {
      this.#log.error({ queue: name, jobId: job?.id, id: job?.data?.id, err: error }, "queue entry failed");
    });
    this.#workers.add(worker);
    return {
      close: async () => {
        await worker.close();
        this.#workers.delete(worker);
      },
    };
  }

  async counts(): Promise<Record<QueueName, { waiting: number; active: number }>> {
    const entries = queueNames.map(async (name) => {
      const {
        waiting = 0,
        prioritized = 0,
        active = 0,
      } = await this.#asked(this.#queues[name].getJobCounts("waiting", "prioritized", "active"));
      return [name, { waiting: waiting + prioritized, active }] as const;
    });
    return Object.fromEntries(await Promise.all(entries)) as Record<QueueName, { waiting: number; active: number }>;
  }

  /** Rejects with QUEUE_UNAVAILABLE unless the backend takes a write. */
  async ping(): Promise<void> {
    await this.#asked(this.#backend.ping());
  }

  /** Forgets every entry of every queue. */
  async clear(): Promise<void> {
    for (const queue of Object.values(this.#queues)) await this.#asked(queue.obliterate({ force: true }));
  }

  /** Takes nothing new, waits for the handlers that run, then lets the connections go. */
  async close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.close()));
    await Promise.all(Object.values(this.#queues).map((queue) => queue.close()));
    await this.#backend.close();
  }

  async #asked<T>(answer: Promise<T>): Promise<T> {
    try {
      return await withinLimit(answer);
    } catch (cause) {
      const message = `the queue in ${this.backend} does not answer: ${(cause as Error).message}`;
      throw new AppError("QUEUE_UNAVAILABLE", message, { cause });
    }
  }

  /** A backend that is down says so many times a second; the log says it every ten seconds. */
  #complain(name: QueueName): (error: Error) => void {
    return (error) => {
      const now = performance.now();
      if (now - (this.#lastSaid.get(error.message) ?? -Infinity) < 10_000) return;
      this.#lastSaid.set(error.message, now);
      this.#log.warn({ queue: name, err: error }, "queue unavailable");
    };
  }
}

export interface QueueWorker {
  /** Takes nothing new and resolves once every handler has returned. */
  close(): Promise<void>;
}

function readEntry(name: QueueName, job: Job): string {
  const entry = z.strictObject({ id: queueTable[name] }).safeParse(job.data);
  if (entry.success) return entry.data.id;
  throw new AppError("JOB_INVALID", `queue ${name}, entry ${job.id}: ${z.prettifyError(entry.error)}`);
}

async function withinLimit<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${requestLimitMs} ms`)), requestLimitMs);
  });
  try {
    return await Promise.race([answer, limit]);
  } finally {
    clearTimeout(timer);
  }
}
