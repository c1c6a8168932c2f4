// A whole API over a real database and queue, with one API key; requests are injected unless a test listens.
import type { InjectOptions } from "fastify";
import type { Api, ApiConfig, ApiOptions } from "../../services/api/api.ts";
import { buildApp } from "../../services/api/app.ts";
import { silentLog } from "../../services/platform/log.ts";
import { openQueues, type Queues } from "../../services/platform/queue.ts";
import { openStore, type Store } from "../../services/platform/store/store.ts";
import { openTestDatabase, type TestDatabase } from "./postgres.ts";

export interface TestApi {
  readonly app: Api;
  readonly store: Store;
  readonly queues: Queues;
  readonly database: TestDatabase;
  readonly key: string;
  readonly keyId: string;
  /** Injects a request with the API key. */
  ask(method: InjectOptions["method"], url: string, options?: InjectOptions): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | number | undefined>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  readonly body: any;
}

export const testConfig: ApiConfig = {
  host: "127.0.0.1",
  hosts: [],
  trustedProxies: [],
  openPages: [],
  requestsPerMinute: 1_000_000,
  signInsPerMinute: 1_000_000,
  eventStreams: 100,
};

export async function openTestApi({
  config = {},
  ...rest
}: { config?: Partial<ApiConfig> } & Partial<Pick<ApiOptions, "dashboardFolder" | "log">> = {}): Promise<TestApi> {
  const database = await openTestDatabase();
  const store = openStore({ databaseUrl: database.url, log: silentLog, connections: 5 });
  const queues = await openQueues({
    ...{ databaseUrl: database.url, prefix: "test", lockSeconds: 30, log: silentLog },
  });
  const { id: keyId, key } = await store.createApiKey("test");
  const app = await buildApp({ config: { ...testConfig, ...config }, store, queues, log: silentLog, ...rest });
  return {
    ...{ app, store, queues, database, key, keyId },
    ask: (method, url, options = {}) =>
      inject(app, {
        ...{ method, url, ...options },
        headers: { authorization: `Bearer ${key}`, ...options.headers },
      } as InjectOptions),
    async close() {
      await app.close();
      await queues.close();
      await store.close();
      await database.close();
    },
  };
}

export async function inject(app: Api, options: InjectOptions): Promise<Answer> {
  const { statusCode, headers, body } = await app.inject(options);
  const isJson = /json/.test(String(headers["content-type"]));
  return { status: statusCode, headers, text: body, body: isJson && body !== "" ? JSON.parse(body) : undefined };
}
