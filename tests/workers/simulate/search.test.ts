// One seed, one sequence of candidates: whatever the number of workers, their delays, deaths and repeated messages.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AlgorithmName,
  algorithms,
  type SearchConfig,
  type SearchConfigInput,
  searchConfig,
} from "../../../genome/index.ts";
import { replaySearch, type StoredCandidate } from "../../../workers/advance/replay.ts";
import { type Cluster, simulateSearch } from "../../../workers/simulate/search.ts";

const names = Object.keys(algorithms) as AlgorithmName[];

function configOf(name: AlgorithmName, input: SearchConfigInput = {}) {
  const config = searchConfig.parse({
    ...{ knownDesigns: ["hyena", "mamba"], tasks: ["in-context-recall", "compression"], budget: { candidates: 60 } },
    ...{ algorithm: { name }, ...input },
  });
  return { ...config, algorithm: withFewMutants(config.algorithm) };
}

/** What holds for a few predictions holds for many. */
function withFewMutants(algorithm: SearchConfig["algorithm"]): SearchConfig["algorithm"] {
  return "mutants" in algorithm ? { ...algorithm, mutants: 3 } : algorithm;
}

function run(config: ReturnType<typeof configOf>, cluster: Cluster) {
  const candidates: StoredCandidate[] = [];
  const { search, ...counts } = simulateSearch(config, cluster, (candidate) => candidates.push(candidate));
  return { search, candidates, counts };
}

const clusters: fc.Arbitrary<Cluster> = fc.record({
  workers: fc.constantFrom(1, 2, 16),
  seed: fc.nat(),
  lost: fc.constantFrom(0, 0.1, 0.5),
  repeated: fc.constantFrom(0, 0.3),
});

describe.each(names)("%s", (name) => {
  test("proposes the same candidates with 1, 2 and 16 workers, whatever is late, lost or repeated", () => {
    fc.assert(
      fc.property(fc.nat({ max: 1000 }), clusters, (seed, cluster) => {
        const config = configOf(name, { seed });
        const alone = run(config, { workers: 1 });
        const other = run(config, cluster);
        expect(other.candidates).toEqual(alone.candidates);
        expect(other.search).toEqual(alone.search);
      }),
      { numRuns: 8 },
    );
  });

  test("so it does where limits prune candidates and the space has few genomes", () => {
    const config = configOf(name, {
      objectives: [{ name: "score" }, { name: "stateBytes", limit: 200_000 }],
      space: { depth: 2, operators: ["attention", "mamba", "swiglu"], sharing: false },
    });
    const alone = run(config, { workers: 1 });
    expect(alone.candidates.some(({ state }) => state === "pruned")).toBe(true);
    for (const workers of [2, 16]) {
      expect(run(config, { workers, seed: workers, lost: 0.2, repeated: 0.2 }).candidates).toEqual(alone.candidates);
    }
  });

  test("a replay finds no difference, and names the first candidate that was changed", () => {
    const config = configOf(name);
    const { search, candidates } = run(config, { workers: 16, lost: 0.2, repeated: 0.2 });
    expect(replaySearch(search, candidates)).toEqual({ compared: 62, difference: null });
    fc.assert(
      fc.property(
        fc.nat({ max: 61 }),
        fc.constantFrom("genome", "genomeHash", "generation", "stateBytes"),
        (at, field) => {
          const altered = candidates.map((one) => (one.number === at ? { ...one, [field]: "altered" } : one));
          expect(replaySearch(search, altered).difference).toMatchObject({ number: at, field, stored: "altered" });
        },
      ),
      { numRuns: 20 },
    );
  });
});

test("another seed of the search gives other candidates, another seed of the cluster another course", () => {
  const one = run(configOf("nsga2", { seed: 1 }), { workers: 4, lost: 0.1 });
  expect(run(configOf("nsga2", { seed: 2 }), { workers: 4, lost: 0.1 }).candidates).not.toEqual(one.candidates);
  const other = run(configOf("nsga2", { seed: 1 }), { workers: 4, lost: 0.1, seed: 1 });
  expect(other.counts).not.toEqual(one.counts);
});

describe("the cluster", () => {
  const config = configOf("random", { knownDesigns: [], budget: { candidates: 200 } });

  test("loses leases, repeats messages and discards what comes late, and counts each", () => {
    const calm = run(config, { workers: 16 }).counts;
    expect(calm).toMatchObject({ lostLeases: 0, discarded: 0 });
    const rough = run(config, { workers: 16, lost: 0.2, repeated: 0.2 }).counts;
    // Each of 400 evaluations loses its first lease with 1/5, its second with 1/25: 96 expected, 5 standard deviations.
    expect(Math.abs(rough.lostLeases - 96)).toBeLessThan(50);
    expect(rough.discarded).toBeGreaterThan(rough.lostLeases / 4);
  });

  test("gets a search done sooner with more workers, with the same training", () => {
    const [one, sixteen] = [1, 16].map((workers) => run(config, { workers }).counts);
    expect(sixteen!.seconds).toBeLessThan(one!.seconds / 8);
    expect(sixteen!.trainSeconds).toBeCloseTo(one!.trainSeconds, 6);
  });

  test("tells results as they come where the search is not deterministic", () => {
    const loose = run(configOf("nsga2", { deterministic: false }), { workers: 16 }).candidates;
    const numbers = loose.map(({ number }) => number);
    expect(numbers).not.toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).toBe(62);
  });
});
