// Entries in Redis: several times as many a second, and workers need not reach Postgres for their doorbell.
// The server should run with noeviction and an append-only file; losing it all costs one reconcile interval.
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import type { Backend, QueueOptions } from "../queue.ts";

export async function openRedisBackend({
  redisUrl,
  prefix,
}: Pick<QueueOptions, "prefix"> & { redisUrl: string }): Promise<Backend> {
  // Fails fast: whoever rings shall not wait for a server that is down.
  const asking = new Redis(redisUrl, { maxRetriesPerRequest: 1, commandTimeout: 5000 });
  asking.on("error", () => undefined);
  // Waits as long as it takes.
  const working = new Redis(redisUrl, { maxRetriesPerRequest: null });
  working.on("error", () => undefined);
  return {
    name: "redis",
    openQueue: (name) => new Queue(name, { connection: asking, prefix }),
    openWorker: (name, handler, tuning) => new Worker(name, handler, { connection: working, prefix, ...tuning }),
    async ping() {
      await asking.set(`${prefix}:ping`, Date.now(), "EX", 60);
    },
    async close() {
      asking.disconnect();
      working.disconnect();
    },
  };
}
