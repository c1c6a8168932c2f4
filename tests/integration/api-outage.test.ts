// The database stops under the API and comes back: clear answers meanwhile, nothing to restart afterwards.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Api } from "../../services/api/api.ts";
import { buildApp } from "../../services/api/app.ts";
import { problem } from "../../services/api/schemas.ts";
import { prepareBinaries } from "../../services/platform/embedded-postgres/binaries.ts";
import { openCluster, prepareFolder } from "../../services/platform/embedded-postgres/cluster.ts";
import { connectionUrl, ensureRunning, stopServer } from "../../services/platform/embedded-postgres/postmaster.ts";
import { chooseServerUser } from "../../services/platform/embedded-postgres/server-user.ts";
import { silentLog } from "../../services/platform/log.ts";
import { migrate } from "../../services/platform/migrate.ts";
import { openQueues, type Queues } from "../../services/platform/queue.ts";
import { openStore, type Store } from "../../services/platform/store/store.ts";
import { type Answer, inject, testConfig } from "./api.ts";
import { temporaryHome } from "./postgres.ts";
import { until } from "./until.ts";

let database: { url: string; stop(): Promise<unknown>; start(): Promise<unknown> };
let app: Api;
let store: Store;
let queues: Queues;
let key: string;
const { home, remove } = temporaryHome();

beforeAll(async () => {
  database = await startPostgres();
  const { url } = database;
  await migrate({ databaseUrl: url, log: silentLog });
  store = openStore({ databaseUrl: url, log: silentLog, connections: 3 });
  queues = await openQueues({ databaseUrl: url, prefix: "outage", lockSeconds: 30, log: silentLog });
  key = (await store.createApiKey("outage")).key;
  app = await buildApp({ config: testConfig, store, queues, log: silentLog });
});
afterAll(async () => {
  await app?.close();
  await queues?.close();
  await store?.close();
  await database?.stop();
  remove();
});

/** A server that nobody starts again when it is gone. */
async function startPostgres() {
  const user = chooseServerUser(home);
  const folder = await prepareFolder(home, user, silentLog);
  const binaries = await prepareBinaries(folder, user);
  const cluster = await openCluster(folder, binaries, user);
  const { port } = await ensureRunning(cluster, binaries);
  return {
    url: connectionUrl(cluster, port, "postgres"),
    stop: () => stopServer(cluster, binaries),
    start: () => ensureRunning(cluster, binaries, port),
  };
}

const ask = (method: "GET" | "POST", url: string, payload?: object): Promise<Answer> =>
  inject(app, { method, url, headers: { authorization: `Bearer ${key}` }, ...(payload && { payload }) });

test("without its database the API says 503 and when to come back; with it, it works again by itself", async () => {
  const { body: search } = await ask("POST", "/api/v1/searches", { name: "before" });
  expect((await ask("GET", "/readyz")).body).toEqual({ status: "ready", reasons: [] });

  await database.stop();

  for (const [method, url, payload] of [
    ["GET", "/api/v1/searches"],
    ["GET", `/api/v1/searches/${search.id}`],
    ["GET", `/api/v1/searches/${search.id}/front`],
    ["POST", `/api/v1/searches/${search.id}/pause`],
    ["POST", "/api/v1/searches", {}],
    ["POST", "/api/v1/session", { apiKey: key }],
    ["GET", "/api/v1/events"],
    ["GET", "/api/v1/operators"],
    ["GET", "/no/such/place"],
  ] as const) {
    const answer = await ask(method, url, payload);
    expect(answer.status, `${method} ${url}`).toBe(503);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    expect(problem.parse(answer.body)).toMatchObject({ code: "DATABASE_UNAVAILABLE", status: 503 });
    expect(answer.text).not.toMatch(/127\.0\.0\.1|ECONNREFUSED|postgres|prisma/i);
  }

  expect((await ask("GET", "/healthz")).status).toBe(200);
  const readiness = await ask("GET", "/readyz");
  expect(readiness.status).toBe(503);
  expect(Number(readiness.headers["retry-after"])).toBeGreaterThan(0);
  expect(readiness.body.status).toBe("unready");
  expect(readiness.body.reasons.map(({ part }: { part: string }) => part)).toEqual(["database", "queue"]);
  expect(readiness.text).not.toMatch(/127\.0\.0\.1|ECONNREFUSED/);

  const open = await buildApp({ config: { ...testConfig, openPages: ["metrics"] }, store, queues, log: silentLog });
  const metrics = (await inject(open, { method: "GET", url: "/metrics" })).text;
  await open.close();
  expect(metrics).toContain('starling_up{part="database"} 0');
  expect(metrics).toContain("process_resident_memory_bytes");
  expect(metrics).not.toContain('starling_searches{state="queued"}');

  await database.start();
  await until(async () => (await ask("GET", "/readyz")).status === 200);
  expect((await ask("GET", `/api/v1/searches/${search.id}`)).body.name).toBe("before");
  expect((await ask("POST", "/api/v1/searches", { name: "after" })).status).toBe(201);
});

test("a database that stops while queues are opened and rung is an error, and never the end of the process", async () => {
  for (let round = 0; round < 3; round++) {
    const options = { databaseUrl: database.url, prefix: `round${round}`, lockSeconds: 30, log: silentLog };
    const opening = openQueues(options).then(
      (opened) => opened.close(),
      (error) => expect(error).toMatchObject({ code: "QUEUE_UNAVAILABLE" }),
    );
    const ringing = Array.from({ length: 20 }, () => queues.enqueue("advance", "0123456789ab"));
    await database.stop();
    await opening;
    for (const taken of await Promise.all(ringing)) expect(typeof taken).toBe("boolean");
    await database.start();
  }
  await until(async () => (await ask("GET", "/readyz")).status === 200);
});
