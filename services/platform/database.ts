// The database a process works with: the one DATABASE_URL names, or the embedded one; migrated either way.
import type { Config } from "./config.ts";
import { startEmbeddedPostgres } from "./embedded-postgres.ts";
import type { Log } from "./log.ts";
import { migrate } from "./migrate.ts";

export interface ReadyDatabase {
  readonly url: string;
  readonly embedded: boolean;
  /** Leaves an embedded server, which stops with the last process that uses it. Close stores and queues first. */
  close(): Promise<void>;
}

export async function readyDatabase(config: Pick<Config, "databaseUrl" | "home">, log: Log): Promise<ReadyDatabase> {
  if (config.databaseUrl !== undefined) {
    await migrate({ databaseUrl: config.databaseUrl, log });
    return { url: config.databaseUrl, embedded: false, close: async () => undefined };
  }
  const server = await startEmbeddedPostgres({ home: config.home, log });
  try {
    await migrate({ databaseUrl: server.url, log });
  } catch (error) {
    await server.stop();
    throw error;
  }
  return { url: server.url, embedded: true, close: () => server.stop() };
}
