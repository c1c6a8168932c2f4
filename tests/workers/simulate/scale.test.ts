// Long searches in memory: nothing piles up but a hash of each genome.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test, vi } from "vitest";
import { searchConfig } from "../../../genome/index.ts";
import { simulateSearch } from "../../../workers/simulate/search.ts";

vi.setConfig({ testTimeout: 900_000 });

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

test.each([
  ["random", 100_000],
  ["nsga2", 20_000],
] as const)("%s: %i candidates leave the heap flat", (name, candidates) => {
  const config = searchConfig.parse({
    ...{ seed: 3, tasks: ["in-context-recall"], knownDesigns: [], budget: { candidates } },
    ...{ algorithm: { name }, objectives: [{ name: "score" }, { name: "stateBytes" }] },
  });
  const heaps: number[] = [];
  let told = 0;
  const { search, lostLeases } = simulateSearch(config, { workers: 16, lost: 0.01, repeated: 0.01 }, ({ number }) => {
    if (number !== told) throw new Error(`candidate ${number} was told in place of ${told}`);
    told += 1;
    if (told % (candidates / 5) !== 0) return;
    collectGarbage();
    heaps.push(process.memoryUsage().heapUsed);
  });
  expect(search.state).toBe("completed");
  expect(told).toBe(candidates);
  expect(lostLeases).toBeGreaterThan(0.008 * candidates); // of 0.01
  const perCandidate = (heaps.at(-1)! - heaps[0]!) / (0.8 * candidates);
  expect(perCandidate).toBeLessThan(200); // 64 hexadecimal digits and their place in a set
});
