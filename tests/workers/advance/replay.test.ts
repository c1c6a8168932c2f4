import { describe, expect, test } from "vitest";
import { parseGenome, Random, type SearchConfigInput } from "../../../genome/index.ts";
import type { Advance, CandidateResult, JsonObject } from "../../../services/platform/store/types.ts";
import { decide } from "../../../workers/advance/decide.ts";
import { replaySearch, type StoredCandidate, type StoredSearch } from "../../../workers/advance/replay.ts";
import { scoreOf } from "../../genome/landscape.ts";
import { resultOf, searchOf, viewOf } from "./view.ts";

const config = {
  ...{ seed: 5, tasks: ["memorization"], knownDesigns: ["hyena", "mamba"] },
  algorithm: { name: "nsga2", population: 6, elitism: 2 },
  budget: { candidates: 30 },
} satisfies SearchConfigInput;

/**
 * A whole search with workers that take candidates in order and finish them after random delays. A killed worker's
 * candidate waits again; a duplicate delivery rings for an advance with nothing new.
 */
function run(input: SearchConfigInput, { workers = 1, seed = 0 } = {}) {
  const random = new Random(seed);
  const rows: StoredCandidate[] = [];
  const finishAt = new Map<number, number>();
  let view = viewOf(searchOf(input));
  let memory: unknown = view.algorithmState;
  let hypervolume: number | null = null;
  let told = 0;
  for (let clock = 0; clock < 10_000; clock++) {
    for (const { number } of rows.filter(({ state }) => state === "waiting")) {
      if (!finishAt.has(number) && finishAt.size < workers) finishAt.set(number, clock + random.integer(9));
    }
    for (const [number, at] of [...finishAt]) {
      if (at > clock) continue;
      finishAt.delete(number);
      if (random.integer(5) === 0) continue; // killed
      const score = scoreOf(parseGenome(rows[number]?.genome ?? ""));
      rows[number] = { ...rows[number]!, state: "complete", outcome: "scored", score };
    }
    const firstOpen = rows.findIndex(({ state }) => state === "waiting");
    const results = rows
      .slice(told, firstOpen < 0 ? rows.length : firstOpen)
      .map((row): CandidateResult => ({ ...row, id: String(row.number) }));
    const proposed = rows.filter(({ knownDesign }) => knownDesign === null).length;
    view = viewOf(
      { ...view.search, proposed },
      {
        ...{ algorithmState: memory, results, nextNumber: rows.length },
        known: new Set(rows.flatMap((row) => (row.knownDesign === null ? [row.genomeHash] : []))),
        unfinished: { waiting: rows.filter(({ state }) => state === "waiting").length, running: 0 },
      },
    );
    const advance: Advance | null = decide(view);
    if (advance === null) continue;
    told += results.length;
    hypervolume = advance.hypervolumes?.get(results.at(-1)?.number ?? -1) ?? hypervolume;
    memory = structuredClone(advance.algorithmState);
    for (const proposal of advance.proposals) {
      const { id: _, ...row } = resultOf(proposal, rows.length, {
        ...{ score: null, outcome: null, state: proposal.pruned ? "pruned" : "waiting" },
      });
      const { parents, variation } = proposal;
      rows.push({ ...row, parents, variation: JSON.parse(JSON.stringify(variation)) as JsonObject });
    }
    if (advance.end) {
      const search: StoredSearch = { config: view.search.config, ...advance.end, hypervolume };
      return { search, rows };
    }
  }
  throw new Error("the search did not end");
}

const { search, rows } = run(config);
const child = rows.findIndex(({ generation }) => generation === 2);
const tampered = (number: number, change: Partial<StoredCandidate>) =>
  rows.map((row) => (row.number === number ? { ...row, ...change } : row));

describe("the same seed", () => {
  test.each([1, 2, 16])(
    "gives the same candidates with %i workers, whatever is late, killed or delivered twice",
    (workers) => {
      for (let seed = 1; seed <= 5; seed++) {
        const other = run(config, { workers, seed });
        expect(other.rows).toEqual(rows);
        expect(other.search).toEqual(search);
      }
    },
  );
});

describe("a replay", () => {
  test("finds no difference in an untouched search", () => {
    expect(child).toBeGreaterThan(0);
    expect(rows).toHaveLength(32);
    expect(replaySearch(search, rows)).toEqual({ compared: 32, difference: null });
  });

  test("needs the rows in no order", () => {
    expect(replaySearch(search, rows.toReversed()).difference).toBeNull();
  });

  test("names candidate, field and both values of a tampered decision", () => {
    const { difference } = replaySearch(search, tampered(child, { parents: [0] }));
    expect(difference).toEqual({ number: child, field: "parents", stored: [0], recomputed: rows[child]?.parents });
  });

  test("finds a tampered cost", () => {
    const parameters = (rows[4]?.parameters ?? 0) + 1;
    const { difference } = replaySearch(search, tampered(4, { parameters }));
    expect(difference).toEqual({ number: 4, field: "parameters", stored: parameters, recomputed: rows[4]?.parameters });
  });

  test("finds a tampered score by what it would have led to", () => {
    const first = rows.filter(({ generation, knownDesign }) => generation === 0 && knownDesign === null);
    const worst = first.reduce((a, b) => ((b.score ?? 0) < (a.score ?? 0) ? b : a));
    const { difference } = replaySearch(search, tampered(worst.number, { score: 1 }));
    expect(difference?.number ?? Number.POSITIVE_INFINITY).toBeGreaterThan(worst.number);
  });

  test("finds a tampered hypervolume of the search", () => {
    const { difference } = replaySearch({ ...search, hypervolume: 0.5 }, rows);
    expect(difference).toEqual({ number: null, field: "hypervolume", stored: 0.5, recomputed: search.hypervolume });
  });

  test("finds a missing and a surplus candidate", () => {
    const missing = rows.filter(({ number }) => number !== 31);
    expect(replaySearch(search, missing).difference).toMatchObject({ number: 31, stored: null });
    const surplus = [...rows, { ...rows[31]!, number: 32 }];
    expect(replaySearch(search, surplus).difference).toMatchObject({ number: 32, recomputed: null });
  });

  test("follows a search that goes on as far as it has come", () => {
    const part = rows
      .slice(0, child)
      .map((row) => (row.number >= child - 2 ? { ...row, state: "running" as const } : row));
    const going: StoredSearch = { ...search, state: "running", hypervolume: null };
    expect(replaySearch(going, part)).toEqual({ compared: child, difference: null });
  });

  test("refuses a search whose workers decided the order", () => {
    const loose = { ...search, config: { ...search.config, deterministic: false } };
    expect(() => replaySearch(loose, rows)).toThrow("only a deterministic search can be replayed");
  });
});
