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
    for (const { number } of rows.filter((row) => row.state === "waiting" && !rests(row))) {
      if (!finishAt.has(number) && finishAt.size < workers) finishAt.set(number, clock + random.integer(9));
    }
    for (const [number, at] of [...finishAt]) {
      if (at > clock) continue;
      finishAt.delete(number);
      if (random.integer(5) === 0) continue; // killed
      const row = rows[number]!;
      const score = scoreOf(parseGenome(row.genome));
      rows[number] = row.isFinal
        ? { ...row, state: "complete", outcome: "scored", score }
        : { ...row, rungScores: [...row.rungScores, partScore(row, score)] };
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
        inRungs: rows.flatMap((row) =>
          row.state === "waiting" && !row.isFinal ? [{ ...row, id: String(row.number) }] : [],
        ),
        unfinished: { waiting: rows.filter(({ state }) => state === "waiting").length, running: 0 },
      },
    );
    const advance: Advance | null = decide(view);
    if (advance === null) continue;
    told += results.length;
    hypervolume = advance.hypervolumes?.get(results.at(-1)?.number ?? -1) ?? hypervolume;
    memory = structuredClone(advance.algorithmState);
    for (const { number, rung, isFinal } of advance.promotions ?? []) {
      rows[number] = { ...rows[number]!, rung, isFinal };
    }
    for (const { number } of advance.stopped ?? []) rows[number] = { ...rows[number]!, state: "pruned" };
    for (const proposal of advance.proposals) {
      const { id: _, ...row } = resultOf(proposal, rows.length, {
        ...{ score: null, outcome: null, state: proposal.pruned ? "pruned" : "waiting" },
        ...{ isFinal: proposal.isFinal ?? true, cohort: proposal.cohort ?? null },
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

/** Waits for a decision. */
const rests = ({ isFinal, rung, rungScores }: StoredCandidate) => !isFinal && rungScores.length > rung;

/** After a part of the training: lower, and not quite in the same order. */
const partScore = ({ genomeHash, rung }: StoredCandidate, score: number) =>
  0.5 * score + (0.1 / (rung + 1)) * new Random(`${genomeHash}/${rung}`).uniform();

const { search, rows } = run(config);
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

describe("with rungs", () => {
  const halving: SearchConfigInput = {
    ...config,
    budget: { candidates: 60 },
    fidelity: { rungs: [{ steps: 0.25 }, { steps: 0.5 }], eta: 2, cohort: 4 },
  };
  const whole = run(halving);
  const proposed = whole.rows.filter(({ knownDesign }) => knownDesign === null);

  const cohorts = [...new Set(proposed.map(({ cohort }) => cohort))].map((cohort) =>
    proposed.filter((one) => one.cohort === cohort),
  );

  test("the same seed gives the same candidates and decisions, however many workers there are", () => {
    for (const workers of [2, 16]) {
      for (let seed = 1; seed <= 5; seed++) expect(run(halving, { workers, seed }).rows).toEqual(whole.rows);
    }
  });

  test("of every cohort half goes on from each rung, and only the last rung completes", () => {
    expect(cohorts.length).toBeGreaterThan(10);
    for (const members of cohorts) {
      const reached = [0, 1, 2].map((rung) => members.filter((one) => one.rung >= rung).length);
      expect(reached[1]).toBe(Math.ceil(reached[0]! / 2));
      expect(reached[2]).toBe(Math.ceil(reached[1]! / 2));
    }
    for (const { state, rung, isFinal } of proposed) {
      expect({ state, isFinal }).toEqual(
        rung === 2 ? { state: "complete", isFinal: true } : { state: "pruned", isFinal: false },
      );
    }
    expect(whole.rows.slice(0, 2).map(({ state, rungScores }) => [state, rungScores])).toEqual([
      ["complete", []],
      ["complete", []],
    ]);
  });

  test("nobody is stopped while one goes on that is worse in score and in every cost", () => {
    for (const members of cohorts) {
      for (const rung of [0, 1]) {
        const came = members.filter((one) => one.rungScores.length > rung);
        const worse = (a: StoredCandidate, b: StoredCandidate) =>
          a.rungScores[rung]! < b.rungScores[rung]! && a.parameters > b.parameters && a.stateBytes > b.stateBytes;
        const stopped = came.filter((one) => one.rung === rung);
        const wentOn = came.filter((one) => one.rung > rung);
        expect(wentOn.filter((one) => stopped.some((other) => worse(one, other)))).toEqual([]);
      }
    }
  });

  test("a replay agrees, also of a part, and names a decision that was tampered with", () => {
    expect(replaySearch(whole.search, whole.rows)).toEqual({ compared: 62, difference: null });
    const stopped = proposed.find(({ state, rung }) => state === "pruned" && rung === 1)!;
    const tampered = whole.rows.map((row) =>
      row === stopped ? { ...row, rung: 0, rungScores: row.rungScores.slice(0, 1) } : row,
    );
    expect(replaySearch(whole.search, tampered).difference).toEqual({
      ...{ number: stopped.number, field: "rung", stored: 0, recomputed: 1 },
    });
    const wentOn = whole.rows.map((row) =>
      row === stopped ? { ...row, state: "complete" as const, rung: 2, isFinal: true, score: 0.5 } : row,
    );
    expect(replaySearch(whole.search, wentOn).difference).toMatchObject({ number: stopped.number, field: "state" });
  });
});
