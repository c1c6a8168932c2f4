// The embedded server is killed in the middle of a search: store, queues, events and workers come back by themselves.
import { expect, test } from "vitest";
import { startEmbeddedPostgres } from "../../services/platform/embedded-postgres.ts";
import { silentLog } from "../../services/platform/log.ts";
import { migrate } from "../../services/platform/migrate.ts";
import { openQueues } from "../../services/platform/queue.ts";
import { startReconciler } from "../../services/platform/reconcile.ts";
import { openStore } from "../../services/platform/store/store.ts";
import { temporaryHome } from "./postgres.ts";
import { plantSearch } from "./store.ts";
import { startToyWorker } from "./toy-worker.ts";
import { until } from "./until.ts";

test("a search ends though its database is killed twice on the way", async () => {
  const { home, remove } = temporaryHome();
  const server = await startEmbeddedPostgres({ home, log: silentLog });
  await migrate({ databaseUrl: server.url, log: silentLog });
  const store = openStore({ databaseUrl: server.url, log: silentLog, connections: 4 });
  const queues = await openQueues({ databaseUrl: server.url, prefix: "killed", lockSeconds: 2, log: silentLog });
  const budget = 24;
  const { id } = await plantSearch(store, { budget: { candidates: budget } });
  const worker = startToyWorker(store, queues, { leaseSeconds: 2 });
  const reconciler = startReconciler(store, queues, { intervalSeconds: 0.3, leaseSeconds: 2, log: silentLog });
  let gaps = 0;
  const leave = store.subscribe((notice) => {
    if (notice === null) gaps++;
  });

  const kills = [6, 14];
  await until(async () => {
    const search = await store.loadSearch(id).catch(() => null);
    if (search !== null && search.told >= kills[0]!) {
      kills.shift();
      const pid = server.pid();
      process.kill(pid, "SIGKILL");
      await until(() => server.pid() !== pid);
    }
    return search?.state === "completed";
  }, 90_000);

  expect(kills).toEqual([]);
  expect(await store.loadSearch(id)).toMatchObject({ proposed: budget, told: budget });
  const { items } = await store.listCandidates(id, { limit: 100, states: ["complete"] });
  expect(items).toHaveLength(budget);
  await until(() => gaps >= 3);

  leave();
  await reconciler.stop();
  await worker.close();
  await queues.close();
  await store.close();
  await server.stop();
  remove();
});
