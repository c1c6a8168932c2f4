import { describe, expect, test } from "vitest";
import type { SearchConfigInput, SearchMemory } from "../../../genome/index.ts";
import { decide } from "../../../workers/advance/decide.ts";
import { present, resultOf, searchOf, viewOf } from "./view.ts";

const halving: SearchConfigInput = {
  ...{ knownDesigns: [], algorithm: { name: "random" }, budget: { candidates: 4 }, objectives: [{ name: "score" }] },
  fidelity: {
    rungs: [{ steps: 0.34, tasks: ["memorization"] }, { tasks: ["memorization", "compression"] }],
    eta: 2,
    cohort: 4,
  },
};
const search = searchOf(halving);
const first = present(decide(viewOf(search)));
const costsOf = (list: readonly { evaluations: readonly { flops: number }[] }[]) => {
  const all = list.flatMap(({ evaluations }) => evaluations);
  return { evaluations: all.length, flops: all.reduce((sum, { flops }) => sum + flops, 0) };
};

/** Candidates after the first rung, with these scores on it; null is still at it. */
const atRest = (scores: readonly (number | null)[], input = search) =>
  viewOf(input, {
    ...{ algorithmState: first.algorithmState, nextNumber: 4, remaining: 0 },
    unfinished: { waiting: scores.length, running: 0 },
    inRungs: scores.map((score, number) =>
      resultOf(first.proposals[number]!, number, {
        ...{ state: "waiting", score: null, isFinal: false, cohort: 0, rungScores: score === null ? [] : [score] },
      }),
    ),
  });

describe("the rungs of a candidate", () => {
  test("the first is a part of the epochs of some of the tasks, with the streams of the whole training", () => {
    const { evaluations, isFinal, cohort } = first.proposals[0]!;
    expect({ isFinal, cohort }).toEqual({ isFinal: false, cohort: 0 });
    // 0.34 x the 3 epochs of the profile.
    expect(evaluations.map(({ task, setting }) => [task, setting.key, setting.training])).toEqual([
      ["memorization", "smoke/memorization", expect.objectContaining({ epochs: 1, evaluateEvery: 1 })],
    ]);
  });

  test("the next ones follow in order, and what a rung repeats has the key of the earlier result", () => {
    const { promotions = [] } = present(decide(atRest([0.9, 0.1, 0.8, 0.2])));
    expect(
      promotions.map(({ number, rung, isFinal, firstPosition }) => [number, rung, isFinal, firstPosition]),
    ).toEqual([
      [0, 1, false, 1],
      [2, 1, false, 1],
    ]);
    expect(promotions[0]?.evaluations.map(({ task }) => task)).toEqual(["memorization", "compression"]);
    const view = atRest([0.9]);
    const second = { ...view.inRungs[0]!, rung: 1, rungScores: [0.9, 0.95] };
    const [last] = present(decide({ ...view, inRungs: [second] })).promotions ?? [];
    expect(last).toMatchObject({ number: 0, rung: 2, isFinal: true, firstPosition: 3 });
    expect(last?.evaluations).toHaveLength(6);
    const keys = last?.evaluations.map(({ resultKey }) => resultKey) ?? [];
    for (const { resultKey } of promotions[0]?.evaluations ?? []) expect(keys).toContain(resultKey);
    expect(keys).not.toContain(first.proposals[0]?.evaluations[0]?.resultKey);
  });

  test("what the rungs still ahead take is kept for those who may climb them", () => {
    const path = { evaluations: 1 + 2 + 6 };
    const enough = (evaluations: number) =>
      decide(viewOf(search, { allowance: { evaluations, flops: Infinity } }))?.proposals.length;
    expect([path.evaluations, 2 * path.evaluations - 1, 2 * path.evaluations].map(enough)).toEqual([1, 1, 2]);
    const { promotions = [] } = present(decide(atRest([0.9, 0.1, 0.8, 0.2])));
    expect(costsOf(promotions).evaluations).toBe(4);
  });
});

describe("a cohort", () => {
  test("waits for its last member, whatever the others have", () => {
    expect(decide(atRest([0.9, 0.1, null, 0.2]))).toBeNull();
    expect(decide(atRest([0.9, 0.1, 0.8, 0.2]))?.stopped).toEqual([
      { number: 1, message: "stopped on rung 0: place 4 of 4 in its cohort, 2 went on" },
      { number: 3, message: "stopped on rung 0: place 3 of 4 in its cohort, 2 went on" },
    ]);
  });

  test("nothing is decided while the search is paused", () => {
    expect(decide(atRest([0.9, 0.1, 0.8, 0.2], searchOf(halving, { state: "paused" })))).toBeNull();
  });

  test("who is stopped is told after all that were trained and before what breaks a limit", () => {
    const nsga2 = searchOf({
      ...{ ...halving, algorithm: { name: "nsga2", population: 4, elitism: 1 }, budget: { candidates: 10 } },
      objectives: [{ name: "score", limit: 0.05 }, { name: "parameters" }],
    });
    const opened = present(decide(viewOf(nsga2)));
    const ends = [
      { state: "pruned", isFinal: false, rung: 0, rungScores: [0.7], score: null, outcome: null },
      { score: 0.01, rung: 2 },
      { score: 0.1, rung: 2 },
      { state: "pruned", isFinal: false, rung: 1, rungScores: [0.3, 0.4], score: null, outcome: null },
    ] as const;
    const results = opened.proposals.map((proposal, n) =>
      resultOf(proposal, n, {
        ...ends[n]!,
        rungScores: [...((ends[n] as { rungScores?: readonly number[] }).rungScores ?? [])],
      }),
    );
    const next = present(
      decide(viewOf(nsga2, { algorithmState: opened.algorithmState, nextNumber: 4, results, remaining: 6 })),
    );
    const { population } = (next.algorithmState as SearchMemory).algorithm as unknown as {
      population: { number: number; failed: boolean }[];
    };
    expect(population.map(({ number, failed }) => [number, failed])).toEqual([
      [2, false],
      [3, false],
      [0, false],
      [1, false],
    ]);
  });
});

test("without cohorts each is decided on as it comes, against all that came there before", () => {
  const loose = searchOf({ ...halving, deterministic: false });
  const decided = present(decide(atRest([0.5, 0.4, 0.6, 0.3], loose)));
  // One of one; 1 of 2 is the better one; 1 of 3; 2 of 4.
  expect(decided.promotions?.map(({ number }) => number)).toEqual([0, 2]);
  expect(decided.stopped?.map(({ number }) => number)).toEqual([1, 3]);
  const { rungs } = decided.algorithmState as SearchMemory;
  expect(rungs).toMatchObject({ seen: [[[0.5], [0.6], [0.4], [0.7]]] });
});
