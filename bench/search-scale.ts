// A long simulated search through embedded Postgres, as durable as in service: candidates a second, thousand by thousand.
//
//   npx tsx bench/search-scale.ts [--candidates 100000] [--workers 8] [--json FILE]
//
// Decisions, leases, results and events are real; the training takes no time. The heap is that of this process, which
// decides and works, after a garbage collection where node runs with --expose-gc.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { searchConfig } from "../genome/index.ts";
import { startEmbeddedPostgres } from "../services/platform/embedded-postgres.ts";
import { silentLog } from "../services/platform/log.ts";
import { migrate } from "../services/platform/migrate.ts";
import { openStore } from "../services/platform/store/store.ts";
import { beginOnStore, workOnStore } from "../workers/simulate/work-on-store.ts";

const { values: given } = parseArgs({
  options: {
    candidates: { type: "string", default: "100000" },
    workers: { type: "string", default: "8" },
    json: { type: "string" },
  },
});
const candidates = Number(given.candidates);
const workers = Number(given.workers);
const config = searchConfig.parse({
  ...{ name: "scale", tasks: ["in-context-recall"], knownDesigns: [], budget: { candidates } },
  algorithm: { name: "nsga2", population: 50, elitism: 2 },
});

const home = mkdtempSync(join(tmpdir(), "starling-scale-"));
const server = await startEmbeddedPostgres({ home, log: silentLog });
await migrate({ databaseUrl: server.url, log: silentLog });
const store = openStore({ databaseUrl: server.url, log: silentLog, connections: workers + 2 });

const thousands: { candidates: number; perSecond: number; heapMegabytes: number }[] = [];
try {
  const id = await beginOnStore(store, config);
  let last = { told: 0, at: performance.now() };
  await workOnStore(store, id, { workers }, async () => {
    const { told } = (await store.loadSearch(id))!;
    if (told - last.told < 1000) return;
    const now = performance.now();
    globalThis.gc?.();
    thousands.push({
      candidates: told,
      perSecond: Math.round((10_000 * (told - last.told)) / (now - last.at)) / 10,
      heapMegabytes: Math.round(process.memoryUsage().heapUsed / 1e5) / 10,
    });
    console.log(JSON.stringify(thousands.at(-1)));
    last = { told, at: now };
  });
} finally {
  await store.close();
  await server.stop();
  rmSync(home, { recursive: true, force: true });
}

const machine = {
  ...{ processor: cpus()[0]?.model ?? "unknown", cores: availableParallelism() },
  ...{ node: process.version, loadAverage: loadavg()[0] },
};
const report = { date: new Date().toISOString(), machine, candidates, workers, thousands };
if (given.json) writeFileSync(given.json, `${JSON.stringify(report, null, 2)}\n`);
