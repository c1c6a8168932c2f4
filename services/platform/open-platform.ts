// What every process of the service stands on, opened in order and closed in reverse: database, store, queues.
import type { Config } from "./config.ts";
import { type ReadyDatabase, readyDatabase } from "./database.ts";
import type { Log } from "./log.ts";
import { openQueues, type Queues } from "./queue.ts";
import { openStore, type Store } from "./store/store.ts";

export interface Platform {
  readonly database: ReadyDatabase;
  readonly store: Store;
  readonly queues: Queues;
  close(): Promise<void>;
}

type PlatformConfig = Pick<
  Config,
  "databaseUrl" | "redisUrl" | "databaseConnections" | "home" | "queuePrefix" | "leaseSeconds"
>;

/** Rejects with what is missing, having closed what was open already. */
export async function openPlatform(config: PlatformConfig, log: Log): Promise<Platform> {
  const database = await readyDatabase(config, log);
  const store = openStore({ databaseUrl: database.url, connections: config.databaseConnections, log });
  try {
    const queues = await openQueues({
      databaseUrl: database.url,
      redisUrl: config.redisUrl,
      prefix: config.queuePrefix,
      lockSeconds: config.leaseSeconds,
      log,
    });
    return {
      ...{ database, store, queues },
      async close() {
        await queues.close();
        await store.close();
        await database.close();
      },
    };
  } catch (error) {
    await store.close();
    await database.close();
    throw error;
  }
}
