import { describe, expect, test } from "vitest";
import { type SearchConfigInput, searchConfig } from "../../../genome/index.ts";
import { replaySearch, type StoredCandidate, type StoredSearch } from "../../../workers/advance/replay.ts";
import { simulateSearch } from "../../../workers/simulate/search.ts";

const config = {
  ...{ seed: 5, tasks: ["memorization"], knownDesigns: ["hyena", "mamba"] },
  algorithm: { name: "nsga2", population: 6, elitism: 2 },
  budget: { candidates: 30 },
} satisfies SearchConfigInput;

const rows: StoredCandidate[] = [];
const { search } = simulateSearch(searchConfig.parse(config), { workers: 3 }, (row) => rows.push(row));
const child = rows.findIndex(({ generation }) => generation === 2);
const tampered = (number: number, change: Partial<StoredCandidate>) =>
  rows.map((row) => (row.number === number ? { ...row, ...change } : row));

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
