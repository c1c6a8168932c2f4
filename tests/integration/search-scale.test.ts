// A long search through real Postgres: its last candidates cost as many statements, and as little memory, as its first.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, onTestFinished, test, vi } from "vitest";
import { searchConfig } from "../../genome/index.ts";
import { beginOnStore, workOnStore } from "../../workers/simulate/work-on-store.ts";
import { openTestStore, startCounting } from "./store.ts";

vi.setConfig({ testTimeout: 900_000 });

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const candidates = 5000;
const config = searchConfig.parse({
  ...{ seed: 3, tasks: ["in-context-recall"], knownDesigns: [], budget: { candidates } },
  algorithm: { name: "nsga2", population: 50, elitism: 2 },
  objectives: [{ name: "score" }, { name: "stateBytes" }],
});
const generation = 48; // a population without its elite

test(`${candidates} candidates: every generation takes the same statements, and the heap stays flat`, async () => {
  const { store, database, close } = await openTestStore({ connections: 10, durable: false });
  onTestFinished(close);
  const id = await beginOnStore(store, config);
  const counter = startCounting();
  onTestFinished(counter.stop);
  const statements: number[] = [];
  const heaps: number[] = [];
  const sizes: number[] = [];
  let before = 0;
  await workOnStore(store, id, { workers: 4 }, async () => {
    statements.push(counter.count() - before);
    if (statements.length % 20 === 0) {
      collectGarbage();
      heaps.push(process.memoryUsage().heapUsed);
      const [row] = await database.query<{ size: number }>(
        "SELECT length(algorithm_state::text) AS size FROM searches WHERE id = $1",
        [id],
      );
      sizes.push(row!.size);
    }
    before = counter.count();
  });

  expect(await store.loadSearch(id)).toMatchObject({ state: "completed", proposed: candidates, told: candidates });
  // The first advance proposes, the last ends; the last generation is what the budget leaves.
  const [, , ...whole] = statements.slice(0, -2);
  expect(whole).toHaveLength(Math.floor((candidates - 50) / generation) - 1);
  expect(new Set(whole).size).toBe(1);
  expect(whole[0]! / generation).toBeLessThan(25);
  expect(heaps.at(-1)! - heaps[0]!).toBeLessThan(300 * candidates); // a short hash of each genome is kept
  expect(Math.max(...sizes)).toBeLessThan(1.5 * sizes[0]!);
});
