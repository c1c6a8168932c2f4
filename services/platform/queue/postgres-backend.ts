// Entries in tables of BullMQ's own, in a schema beside the store's; nothing to run but Postgres.
import { createPostgresBackend, Queue, Worker } from "bullmq";
import pg from "pg";
import type { Backend, QueueOptions } from "../queue.ts";

export async function openPostgresBackend({ databaseUrl, prefix }: QueueOptions): Promise<Backend> {
  const connection = {
    connectionString: databaseUrl,
    schema: `${prefix}_queue`,
    // Under an advisory lock; processes that start together migrate once.
    migrate: true,
    max: 2,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
    Client: CalmClient,
  };
  const probe = new pg.Pool({ connectionString: databaseUrl, max: 1, connectionTimeoutMillis: 2000 });
  probe.on("error", () => undefined);
  const backend: Backend = {
    name: "postgres",
    openQueue: (name) => new Queue(name, { connection }, createPostgresBackend),
    openWorker: (name, handler, tuning) => new Worker(name, handler, { connection, ...tuning }, createPostgresBackend),
    async ping() {
      // Takes a transaction id, which a read-only server refuses.
      await probe.query("SELECT pg_current_xact_id()");
    },
    close: () => probe.end(),
  };
  return backend;
}

/**
 * BullMQ takes clients from its pool without listening to their errors; a server that stops at that moment would end
 * this process. The query that was under way still rejects.
 */
class CalmClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.on("error", () => undefined);
  }
}
