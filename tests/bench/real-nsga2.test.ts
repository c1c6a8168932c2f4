import { describe, expect, test } from "vitest";
import { problems, referenceBound } from "../../bench/problems.ts";
import { evolve, textbookSelection } from "../../bench/real-nsga2.ts";
import { hypervolume } from "../../genome/index.ts";

const boundOf = (objectives: number) => Array.from({ length: objectives }, () => referenceBound);

describe("the problems", () => {
  test("have their optimum where the papers put it", () => {
    const zeros = Array.from({ length: 29 }, () => 0);
    const zdt3 = 1 - Math.sqrt(0.25) - 0.25 * Math.sin(2.5 * Math.PI); // f1 = 0.25
    expect(problems.zdt1.evaluate([0.25, ...zeros])).toEqual([0.25, 0.5]);
    expect(problems.zdt2.evaluate([0.5, ...zeros])).toEqual([0.5, 0.75]);
    expect(problems.zdt3.evaluate([0.25, ...zeros])).toEqual([0.25, zdt3]);
    expect(problems.zdt1.evaluate([0.25, ...zeros.map(() => 1)])).toEqual([0.25, 10 * (1 - Math.sqrt(0.025))]);
    const half = Array.from({ length: 10 }, () => 0.5);
    const point = problems.dtlz2.evaluate([0.3, 0.8, ...half]);
    expect(Math.hypot(...point)).toBeCloseTo(1, 12);
    expect(Math.hypot(...problems.dtlz2.evaluate([0.3, 0.8, ...half.map(() => 1)]))).toBeCloseTo(1 + 10 / 4, 12);
  });

  test.each(["zdt1", "zdt2", "zdt3"] as const)("the hypervolume of %s's front is that of many points on it", (name) => {
    const { evaluate, frontHypervolume } = problems[name];
    const points = Array.from({ length: 4001 }, (_, i) => evaluate([i / 4000, ...Array.from({ length: 29 }, () => 0)]));
    const measured = hypervolume(points, boundOf(2));
    expect(measured).toBeLessThanOrEqual(frontHypervolume);
    expect(measured).toBeGreaterThan(frontHypervolume - 1e-3);
  });

  test("the hypervolume of DTLZ2's front is that of many points on it", () => {
    const half = Array.from({ length: 10 }, () => 0.5);
    const points = Array.from({ length: 61 * 61 }, (_, i) =>
      problems.dtlz2.evaluate([Math.floor(i / 61) / 60, (i % 61) / 60, ...half]),
    );
    const measured = hypervolume(points, boundOf(3));
    expect(measured).toBeLessThan(problems.dtlz2.frontHypervolume);
    expect(measured).toBeGreaterThan(problems.dtlz2.frontHypervolume - 0.02);
  });
});

test("the textbook's selection takes whole fronts, then the least crowded of the next", () => {
  const points = [
    [5, 5],
    [0, 4],
    [1, 3],
    [1.2, 2.8],
    [4, 0],
    [6, 6],
  ];
  expect(new Set(textbookSelection(points, 3))).toEqual(new Set([1, 4, 3])); // 1.2 has the wider neighbours
  expect(textbookSelection(points, 6).slice(4)).toEqual([0, 5]);
});

test("the textbook's NSGA-II comes within one percent of ZDT1's front in 25,000 evaluations", () => {
  const run = { seed: 1, population: 100, evaluations: 25_000 };
  const front = evolve(problems.zdt1, textbookSelection, run);
  expect(front).toHaveLength(100);
  const reached = hypervolume(front, boundOf(2)) / problems.zdt1.frontHypervolume;
  expect(reached).toBeGreaterThan(0.99);
  expect(reached).toBeLessThan(1);
});
