import { describe, expect, test } from "vitest";
import {
  algorithmNamed,
  beginSearch,
  genomeCosts,
  hypervolume,
  knownDesigns,
  parseGenome,
  type SearchConfigInput,
  type SearchMemory,
  searchConfig,
  shapeOfSearch,
} from "../../../genome/index.ts";
import type { Advance, AdvanceView, CandidateResult } from "../../../services/platform/store/types.ts";
import { decide } from "../../../workers/advance/decide.ts";
import { present, resultOf, searchOf, viewOf } from "./view.ts";

const small = {
  ...{ seed: 3, tasks: ["memorization"], knownDesigns: ["hyena", "mamba"] },
  algorithm: { name: "nsga2", population: 4, elitism: 1 },
  budget: { candidates: 10 },
} satisfies SearchConfigInput;

/** Plays a whole search: every proposal is scored by `score`, pruned ones keep their state. */
function play(input: SearchConfigInput, outcome: (number: number) => Partial<CandidateResult>) {
  const advances: Advance[] = [];
  const told: CandidateResult[] = [];
  let view = viewOf(searchOf(input));
  for (let round = 0; round < 50; round++) {
    const advance = decide(view);
    if (advance === null) break;
    advances.push(advance);
    if (advance.end) break;
    const results = advance.proposals.map((proposal, index) => {
      const number = view.nextNumber + index;
      return resultOf(proposal, number, proposal.pruned ? { state: "pruned", score: null } : outcome(number));
    });
    told.push(...results);
    const spent = told.filter(({ knownDesign }) => knownDesign === null).length;
    view = viewOf(
      { ...view.search, proposed: spent },
      {
        algorithmState: structuredClone(advance.algorithmState),
        results,
        nextNumber: view.nextNumber + results.length,
      },
    );
  }
  return { advances, told, last: advances.at(-1) };
}

describe("the first advance", () => {
  const search = searchOf(small);
  const advance = present(decide(viewOf(search)));

  test("proposes the known designs and then the first generation, numbered as the algorithm numbers them", () => {
    expect(advance.proposals.map(({ knownDesign }) => knownDesign ?? null)).toEqual([
      "hyena",
      "mamba",
      null,
      null,
      null,
      null,
    ]);
    const { proposals } = algorithmNamed("nsga2").ask(beginSearch(search.config).algorithm, 10);
    expect(proposals.map(({ number }) => number)).toEqual([2, 3, 4, 5]);
    for (const { number, genome, hash } of proposals) {
      expect(advance.proposals[number]).toMatchObject({ genome, genomeHash: hash });
    }
  });

  test("gives every candidate its exact costs and one evaluation a task", () => {
    const shape = shapeOfSearch(search.config);
    for (const proposal of advance.proposals) {
      expect(proposal).toMatchObject(genomeCosts(parseGenome(proposal.genome), shape, 4096));
      expect(proposal.evaluations.map(({ task, seed }) => [task, seed])).toEqual([["memorization", 3]]);
    }
  });

  test("names the reference point in the objectives' own directions", () => {
    // 1.1 x the costs of the dearest known design; a score of 0 is the worst there is.
    const shape = shapeOfSearch(search.config);
    const costs = Object.values(knownDesigns).map(({ genome }) => genomeCosts(parseGenome(genome), shape, 4096));
    expect(advance.referencePoint).toEqual({
      score: 0,
      parameters: 1.1 * Math.max(...costs.map(({ parameters }) => parameters)),
      stateBytes: 1.1 * Math.max(...costs.map(({ stateBytes }) => stateBytes)),
    });
  });
});

describe("a search that goes on", () => {
  test("asks for the next generation once the one before is told, and keeps the budget", () => {
    const { advances, told, last } = play(small, (number) => ({ score: number / 20 }));
    expect(advances.map(({ proposals }) => proposals.length)).toEqual([6, 3, 3, 0]);
    expect(advances.map(({ generation }) => generation)).toEqual([0, 1, 2, 2]);
    expect(told.filter(({ knownDesign }) => knownDesign === null)).toHaveLength(10);
    expect(last?.end).toEqual({ state: "completed", reason: null });
  });

  test("children have parents of the same search, never a known design", () => {
    const { advances } = play(small, (number) => ({ score: number < 2 ? 1 : 0.1 }));
    const children = advances.slice(1).flatMap(({ proposals }) => proposals);
    expect(children).toHaveLength(6);
    for (const { parents } of children) for (const parent of parents) expect(parent).toBeGreaterThanOrEqual(2);
  });

  test("a result told twice changes neither the algorithm nor the front", () => {
    const search = searchOf({ ...small, knownDesigns: [] });
    const first = present(decide(viewOf(search)));
    const results = first.proposals.slice(0, 1).map((proposal, number) => resultOf(proposal, number));
    const look = { unfinished: { waiting: 3, running: 0 }, nextNumber: 4, results };
    const once = present(decide(viewOf(search, { ...look, algorithmState: first.algorithmState })));
    const twice = present(decide(viewOf(search, { ...look, algorithmState: once.algorithmState })));
    const [a, b] = [once, twice].map(({ algorithmState }) => algorithmState as SearchMemory);
    expect(b?.algorithm).toEqual(a?.algorithm);
    expect(b?.front).toEqual(a?.front);
  });

  test("never proposes what the search has already, while the space has others", () => {
    const space = { depth: 1, operators: ["mlp", "swiglu"], sharing: false } satisfies SearchConfigInput["space"]; // four genomes
    const search = searchOf({ ...small, knownDesigns: [], space, algorithm: { name: "random" } });
    const all = present(decide(viewOf(search))).proposals.map(({ genomeHash }) => genomeHash);
    const known = new Set(all);
    const missing = [...known].at(-1)!; // not the one that would come first
    expect(known.size).toBe(4);
    known.delete(missing);
    const next = present(decide(viewOf(search, { known })));
    expect(next.proposals[0]?.genomeHash).toBe(missing);
  });

  test("without news, and with work still out, there is nothing to decide", () => {
    const search = searchOf(small);
    const first = present(decide(viewOf(search)));
    const look = { algorithmState: first.algorithmState, nextNumber: 6, remaining: 6 };
    expect(decide(viewOf(search, { ...look, unfinished: { waiting: 0, running: 1 } }))).toBeNull();
  });

  test("an algorithm without generations never has more than 64 candidates waiting", () => {
    const search = searchOf({ knownDesigns: [], algorithm: { name: "random" }, budget: { candidates: 1000 } });
    const first = present(decide(viewOf(search)));
    expect(first.proposals).toHaveLength(64);
    const look = { algorithmState: first.algorithmState, nextNumber: 64, remaining: 936 };
    const results = first.proposals.slice(0, 5).map((proposal, number) => resultOf(proposal, number));
    const next = present(decide(viewOf(search, { ...look, results, unfinished: { waiting: 50, running: 9 } })));
    expect(next.proposals).toHaveLength(5);
  });
});

describe("budgets besides the candidates", () => {
  const { proposals } = present(decide(viewOf(searchOf(small))));
  const [, , first, second, third] = proposals;
  const flopsOf = (list: (typeof first)[]) => list.flatMap((one) => one?.evaluations ?? []).map(({ flops }) => flops);
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const designs = sum(flopsOf(proposals.slice(0, 2)));
  const unlimited = { evaluations: Infinity, flops: Infinity };

  test.each([
    ["evaluations", { ...unlimited, evaluations: 4 }],
    ["FLOPs", { ...unlimited, flops: designs + sum(flopsOf([first, second])) }],
    ["FLOPs, a little more", { ...unlimited, flops: designs + sum(flopsOf([first, second, third])) - 1 }],
  ])("of the generation only what the %s pay for is proposed, the same candidates as ever", (_, allowance) => {
    const advance = present(decide(viewOf(searchOf(small), { allowance })));
    expect(advance.proposals).toEqual(proposals.slice(0, 4));
    // What was not paid for is not lost: the next round asks for it again.
    const look = { nextNumber: 4, remaining: 8, unfinished: { waiting: 4, running: 0 } };
    const next = present(decide(viewOf(searchOf(small), { ...look, algorithmState: advance.algorithmState })));
    expect(next.proposals).toEqual(proposals.slice(4));
  });

  test("a search whose next candidate is not paid for waits for what runs, then completes and says why", () => {
    const input = { ...small, budget: { candidates: 10, evaluations: 5 } };
    const allowance = { ...unlimited, evaluations: 0 };
    const opened = present(decide(viewOf(searchOf(input), { allowance: { ...unlimited, evaluations: 5 } })));
    const look = { nextNumber: 5, remaining: 7, allowance, algorithmState: opened.algorithmState };
    expect(decide(viewOf(searchOf(input), { ...look, unfinished: { waiting: 1, running: 0 } }))).toBeNull();
    const results = opened.proposals.map((proposal, number) => resultOf(proposal, number));
    expect(decide(viewOf(searchOf(input), { ...look, results }))?.end).toEqual({
      ...{ state: "completed", reason: "the budget of 5 evaluations holds no other candidate: 0 left" },
    });
  });

  test("a search that cannot pay for its known designs fails at once", () => {
    const input = { ...small, budget: { candidates: 10, evaluations: 1 } };
    const advance = present(decide(viewOf(searchOf(input), { allowance: { ...unlimited, evaluations: 1 } })));
    expect(advance).toMatchObject({
      proposals: [],
      end: { state: "failed", reason: "the known designs need 2 evaluations, and the budget is 1" },
    });
  });
});

describe("limits", () => {
  const limited: SearchConfigInput = {
    ...small,
    objectives: [{ name: "score" }, { name: "parameters", limit: 20_000 }],
  };

  test("a candidate that breaks one by its costs is never trained, and says by how much", () => {
    const objectives: SearchConfigInput["objectives"] = [
      ...(limited.objectives ?? []),
      { name: "stateBytes", limit: 1e12 },
    ];
    const { advances } = play({ ...limited, objectives }, () => ({}));
    const offspring = advances.flatMap(({ proposals }) => proposals).filter(({ knownDesign }) => !knownDesign);
    const dear = offspring.filter(({ parameters }) => parameters > 20_000);
    const cheap = offspring.filter(({ parameters }) => parameters <= 20_000);
    expect(dear.length * cheap.length).toBeGreaterThan(0);
    for (const { feasible, evaluations, pruned, parameters } of dear) {
      expect({ feasible, evaluations }).toEqual({ feasible: false, evaluations: [] });
      expect(pruned).toBe(`not trained: parameters ${parameters} is above the limit 20000`);
    }
    for (const { feasible, evaluations, pruned } of cheap) {
      expect({ feasible, pruned, tasks: evaluations.length }).toEqual({ feasible: true, pruned: undefined, tasks: 1 });
    }
  });

  test("of a task's score count as soon as it is known: what misses one ranks after the feasible, on no front", () => {
    const input: SearchConfigInput = {
      ...{ ...small, knownDesigns: [] },
      objectives: [
        { name: "score:memorization", limit: 0.5 },
        { name: "stepMs", limit: 100 },
      ],
    };
    const search = searchOf(input);
    const first = present(decide(viewOf(search)));
    const measured = [
      [0.4, 1],
      [0.6, 20],
      [0.9, 200],
      [0.5, 100],
    ] as const;
    const results = first.proposals.map((proposal, number) => {
      const [score, stepMs] = measured[number]!;
      return resultOf(proposal, number, { score, stepMs, taskScores: { memorization: score } });
    });
    const view = viewOf(search, { algorithmState: first.algorithmState, nextNumber: 4, results, remaining: 6 });
    const { front, algorithm } = present(decide(view)).algorithmState as SearchMemory;
    expect(front).toEqual([[expect.closeTo(0.4, 12), 20]]);
    const { population } = algorithm as unknown as { population: { number: number }[] };
    // Feasible by rank, then by how far the limits are missed: 0.1 / 0.5, and 100 / 100.
    expect(population.map(({ number }) => number)).toEqual([1, 3, 0, 2]);
  });

  test("known designs are trained whatever they cost", () => {
    const costly: SearchConfigInput = { ...limited, objectives: [{ name: "score" }, { name: "parameters", limit: 1 }] };
    const { proposals } = present(decide(viewOf(searchOf(costly))));
    for (const { feasible, evaluations } of proposals.slice(0, 2)) {
      expect({ feasible, tasks: evaluations.length }).toEqual({ feasible: false, tasks: 1 });
    }
  });

  test("what breaks a limit never joins the front", () => {
    const { last, told } = play(limited, (number) => ({ score: number < 2 ? 1 : 0.9 }));
    for (const { parameters } of told.slice(0, 2)) expect(parameters).toBeGreaterThan(20_000);
    const { front } = present(last ?? null).algorithmState as SearchMemory;
    const cheapest = told.filter(({ state, parameters }) => state === "complete" && parameters <= 20_000);
    expect(front).toEqual([[expect.closeTo(0.1), Math.min(...cheapest.map(({ parameters }) => parameters))]]);
  });
});

describe("states", () => {
  test.each(["paused", "stopping"] as const)("%s proposes nothing, not even known designs", (state) => {
    expect(decide(viewOf(searchOf(small, { state })))?.proposals ?? []).toEqual([]);
  });

  test("paused still hears results, and does not end", () => {
    const first = present(decide(viewOf(searchOf(small))));
    const results = first.proposals.map((proposal, number) => resultOf(proposal, number));
    const look = { algorithmState: first.algorithmState, nextNumber: 6, results };
    const advance = present(decide(viewOf(searchOf(small, { state: "paused", proposed: 4 }), look)));
    expect(advance).toMatchObject({ proposals: [] });
    expect(advance.end).toBeUndefined();
    expect((advance.algorithmState as SearchMemory).complete).toBe(6);
  });

  test("stopping ends as completed once nothing is left to wait for, and says why", () => {
    const stopping = searchOf(small, { state: "stopping", reason: "the wall-clock budget is used up" });
    const look = { nextNumber: 6 };
    expect(decide(viewOf(stopping, { ...look, unfinished: { waiting: 0, running: 1 } }))).toBeNull();
    expect(decide(viewOf(stopping, look))?.end).toEqual({
      state: "completed",
      reason: "the wall-clock budget is used up",
    });
    const asked = searchOf(small, { state: "stopping" });
    expect(decide(viewOf(asked, look))?.end).toEqual({ state: "completed", reason: "stopped before its budget" });
  });

  test("ends as failed where no candidate could be trained, and says so", () => {
    const { last } = play(small, () => ({ state: "failed", outcome: null, reason: "oom", score: null }));
    expect(last?.end?.state).toBe("failed");
    expect(last?.end?.reason).toMatch(/no candidate could be trained/);
  });

  test("one trained candidate is enough to complete", () => {
    const { last } = play(small, (number) => (number === 4 ? {} : { state: "failed", outcome: null, score: null }));
    expect(last?.end).toEqual({ state: "completed", reason: null });
  });
});

test("a diverged candidate is ranked by its chance score, a failed one after everything", () => {
  const search = searchOf({ ...small, knownDesigns: [], objectives: [{ name: "score" }] });
  const first = present(decide(viewOf(search)));
  const outcomes: Partial<CandidateResult>[] = [
    { score: 0.9 },
    { score: 0.1, outcome: "diverged" },
    { state: "failed", outcome: null, reason: "timeout", score: null },
    { score: 0.05 },
  ];
  const results = first.proposals.map((proposal, number) => resultOf(proposal, number, outcomes[number]));
  const next = present(
    decide(viewOf(search, { algorithmState: first.algorithmState, nextNumber: 4, results, remaining: 6 })),
  );
  const { algorithm } = next.algorithmState as {
    algorithm: { population: { number: number; failed: boolean }[] };
  } & object;
  expect(algorithm.population.map(({ number, failed }) => [number, failed])).toEqual([
    [0, false],
    [1, false],
    [3, false],
    [2, true],
  ]);
});

test("front and hypervolume after each result equal a brute force over all results before it", () => {
  const scores = [0.2, 0.7, 0.4, 0.4, 0.9, 0.1, 0.6, 0.95, 0.3, 0.8, 0.5, 0.2];
  const { advances, told } = play(small, (number) => ({ score: scores[number] ?? 0 }));
  const reference = present(advances[0] ?? null).referencePoint ?? {};
  const box = [1, reference.parameters ?? 0, reference.stateBytes ?? 0];
  const points = told.map(({ score, parameters, stateBytes }) => [1 - (score ?? 0), parameters, stateBytes]);
  const reported = new Map(advances.flatMap(({ hypervolumes }) => [...(hypervolumes ?? [])]));
  expect(reported.size).toBe(12);
  told.forEach(({ number }, index) => {
    const seen = points.slice(0, index + 1).map((point) => point.map((value, i) => value / (box[i] ?? 1)));
    expect(reported.get(number), `after ${number}`).toBeCloseTo(gridVolume(seen), 10);
  });
  const { front } = present(advances.at(-1) ?? null).algorithmState as SearchMemory;
  const best = points.filter(
    (p) => !points.some((q) => q !== p && q.every((v, i) => v <= p[i]!) && q.some((v, i) => v < p[i]!)),
  );
  expect(new Set(front.map(String))).toEqual(new Set(best.map(String)));
  expect(hypervolume([[0.5, 0.5, 0.5]], [1, 1, 1])).toBe(gridVolume([[0.5, 0.5, 0.5]]));
});

/** Cuts the unit cube along every coordinate that occurs and counts the cells that some point dominates. */
function gridVolume(points: readonly (readonly number[])[]): number {
  const cuts = [0, 1, 2].map((axis) =>
    [...new Set([...points.map((point) => point[axis] ?? 0), 1])].filter((cut) => cut <= 1).sort((a, b) => a - b),
  );
  let volume = 0;
  const [xs = [], ys = [], zs = []] = cuts;
  for (let i = 0; i + 1 < xs.length; i++) {
    for (let j = 0; j + 1 < ys.length; j++) {
      for (let k = 0; k + 1 < zs.length; k++) {
        const corner = [xs[i]!, ys[j]!, zs[k]!];
        if (!points.some((point) => point.every((value, axis) => value <= corner[axis]!))) continue;
        volume += (xs[i + 1]! - xs[i]!) * (ys[j + 1]! - ys[j]!) * (zs[k + 1]! - zs[k]!);
      }
    }
  }
  return volume;
}

test("deciding is pure: a frozen view gives the same advance twice", () => {
  const view = deepFreeze(viewOf(searchOf(small))) as AdvanceView;
  expect(decide(view)).toEqual(decide(view));
  expect(searchConfig.parse(view.search.config)).toEqual(view.search.config);
});

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
