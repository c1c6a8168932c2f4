import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { coverageOf, crowdingDistances, dominates, nonDominated, Random, rankByDominance } from "../../genome/index.ts";

/** Few distinct values, so that ties and duplicates abound. */
const clouds = fc.integer({ min: 1, max: 5 }).chain((objectives) =>
  fc.array(
    fc.array(fc.oneof(fc.integer({ min: 0, max: 4 }), fc.double({ min: -1, max: 1, noNaN: true })), {
      minLength: objectives,
      maxLength: objectives,
    }),
    {
      maxLength: 40,
    },
  ),
);

/** By the definition: peel off the points that no remaining point dominates. */
function peel(points: readonly number[][]): number[] {
  const ranks = points.map(() => -1);
  for (let rank = 0; ranks.includes(-1); rank++) {
    const left = ranks.flatMap((value, index) => (value === -1 ? [index] : []));
    const free = left.filter((i) => !left.some((j) => isBetter(points[j]!, points[i]!)));
    for (const i of free) ranks[i] = rank;
  }
  return ranks;
}

function isBetter(a: readonly number[], b: readonly number[]): boolean {
  return a.every((value, i) => value <= b[i]!) && a.some((value, i) => value < b[i]!);
}

test("ranks equal those of peeling front after front", () => {
  fc.assert(
    fc.property(clouds, (points) => {
      expect(rankByDominance(points)).toEqual(peel(points));
    }),
    { numRuns: 3000 },
  );
});

test.each([2, 3, 4])("ranks of 300 random points in %i objectives equal those of peeling", (objectives) => {
  const random = new Random(objectives);
  const points = Array.from({ length: 300 }, () => Array.from({ length: objectives }, () => random.uniform()));
  expect(rankByDominance(points)).toEqual(peel(points));
});

test("the non-dominated points are those that peeling takes first, equal ones all kept", () => {
  const first = (points: readonly number[][]) => peel(points).flatMap((rank, index) => (rank === 0 ? [index] : []));
  fc.assert(
    fc.property(clouds, (points) => {
      expect(nonDominated(points)).toEqual(first(points));
    }),
    { numRuns: 2000 },
  );
  const random = new Random("front");
  const points = Array.from({ length: 400 }, () => Array.from({ length: 4 }, () => random.uniform()));
  expect(nonDominated(points)).toEqual(first(points));
});

test("ranks do not depend on the order of the points", () => {
  fc.assert(
    fc.property(clouds, fc.integer(), (points, seed) => {
      const order = new Random(seed).shuffle(points.map((_, index) => index));
      const ranks = rankByDominance(points);
      expect(rankByDominance(order.map((index) => points[index]!))).toEqual(order.map((index) => ranks[index]));
    }),
  );
});

test("dominance is strict somewhere and weak everywhere", () => {
  expect(dominates([1, 2], [1, 3])).toBe(true);
  expect(dominates([1, 2], [1, 2])).toBe(false);
  expect(dominates([1, 3], [2, 2])).toBe(false);
});

describe("crowding", () => {
  test("is infinite at the ends and the neighbours' gap between them", () => {
    expect(
      crowdingDistances([
        [0, 4],
        [1, 2],
        [4, 0],
      ]),
    ).toEqual([Infinity, 4 / 4 + 4 / 4, Infinity]);
    expect(
      crowdingDistances([
        [4, 0],
        [0, 4],
        [2, 1],
        [1, 3],
      ]),
    ).toEqual([Infinity, Infinity, 3 / 4 + 3 / 4, 2 / 4 + 3 / 4]);
  });

  test("an objective in which all are equal crowds nobody", () => {
    expect(
      crowdingDistances([
        [0, 7],
        [1, 7],
        [3, 7],
      ])[1],
    ).toBe(1);
  });

  test("one or two points have all the room", () => {
    expect(crowdingDistances([])).toEqual([]);
    expect(crowdingDistances([[1, 1]])).toEqual([Infinity]);
    expect(
      crowdingDistances([
        [1, 1],
        [1, 1],
      ]),
    ).toEqual([Infinity, Infinity]);
  });
});

test.each([[[[1, Number.NaN]]], [[[1, Infinity]]], [[[1, 2], [1]]]])("%j is refused", (points) => {
  expect(() => rankByDominance(points)).toThrow(RangeError);
  expect(() => crowdingDistances(points)).toThrow(RangeError);
});

test("coverage counts what is equalled or dominated, as a share of the other set", () => {
  // Zitzler & Thiele's example properties: C = 1 where all is weakly dominated, and it is not symmetric.
  const a = [
    [0, 3],
    [3, 0],
  ];
  const b = [
    [0, 3],
    [1, 4],
    [2, 2],
    [4, 4],
  ];
  expect(coverageOf(a, b)).toBe(3 / 4);
  expect(coverageOf(b, a)).toBe(1 / 2);
  expect(coverageOf(a, a)).toBe(1);
  expect(coverageOf(a, [])).toBe(0);
});
