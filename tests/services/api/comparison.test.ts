import { expect, test } from "vitest";
import { referencePoint, type SearchConfigInput, searchConfig, shapeOfSearch } from "../../../genome/index.ts";
import { compareSearches } from "../../../services/api/comparison.ts";
import type { Candidate } from "../../../services/platform/store/types.ts";
import { searchOf } from "../../workers/advance/view.ts";

const contender = (id: string, input: SearchConfigInput, points: readonly [score: number, parameters: number][]) => ({
  search: searchOf(input, { id, name: id }),
  front: points.map(([score, parameters], number) => {
    const costs = { parameters, stateBytes: 10, flopsPerToken: 10 };
    return { number, genome: "91111", knownDesign: null, score, ...costs } as unknown as Candidate;
  }),
});
const two: SearchConfigInput = { objectives: [{ name: "score" }, { name: "parameters" }] };

test("the reference point is the worst of each objective's own", () => {
  const limited: SearchConfigInput = {
    objectives: [
      { name: "parameters", limit: 5e9 },
      { name: "score", limit: 0.3 },
    ],
  };
  const { referencePoint: point } = compareSearches([contender("a", two, []), contender("b", limited, [])]);
  expect(point).toEqual({ score: 0, parameters: 5e9 });
  const config = searchConfig.parse(two);
  const [, parameters] = referencePoint(config.objectives, shapeOfSearch(config), 4096);
  expect(compareSearches([contender("a", two, []), contender("b", two, [])]).referencePoint).toEqual({
    ...{ score: 0, parameters },
  });
});

test("who dominates whom: each covers what it equals or dominates, and every point says who dominates it", () => {
  // Worked out by hand: a1 beats b1, b2 beats a2, both have (0.9, 500).
  const a = contender("a", two, [
    [0.9, 500],
    [0.5, 100],
    [0.6, 300],
  ]);
  const b = contender("b", two, [
    [0.9, 500],
    [0.5, 150],
    [0.7, 300],
    [0.3, 90],
  ]);
  const [first, second] = compareSearches([a, b]).searches;
  expect(first).toMatchObject({ covers: { b: 2 / 4 } });
  expect(second).toMatchObject({ covers: { a: 2 / 3 } });
  expect(first?.front.map(({ dominatedBy }) => dominatedBy)).toEqual([[], [], ["b"]]);
  expect(second?.front.map(({ dominatedBy }) => dominatedBy)).toEqual([[], ["a"], [], []]);
});

test("in fewer objectives only what is still on the front is left", () => {
  const one: SearchConfigInput = { objectives: [{ name: "score" }] };
  const points: [number, number][] = [
    [0.9, 500],
    [0.5, 100],
  ];
  const [first] = compareSearches([contender("a", two, points), contender("b", one, [])]).searches;
  expect(first?.front.map(({ number, values }) => [number, values.score])).toEqual([[0, expect.closeTo(0.9, 12)]]);
});

test("settings that give an objective another meaning are named", () => {
  const other: SearchConfigInput = { ...two, profile: "fast", tasks: ["memorization"], space: { contextLength: 100 } };
  const compared = compareSearches([contender("a", two, []), contender("b", other, [])]);
  expect(compared.differences).toEqual(["profile", "tasks", "space.width", "space.contextLength"]);
  expect(compareSearches([contender("a", two, []), contender("b", { ...two, seed: 3 }, [])]).differences).toEqual([]);
});
