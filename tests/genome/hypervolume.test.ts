import fc from "fast-check";
import { expect, test } from "vitest";
import { hypervolume, Random } from "../../genome/index.ts";

/** Points on a small grid with ties and duplicates; some lie at or beyond the reference point (4, 4, ...). */
const clouds = fc.integer({ min: 1, max: 5 }).chain((objectives) =>
  fc.tuple(
    fc.array(fc.array(fc.integer({ min: -1, max: 5 }), { minLength: objectives, maxLength: objectives }), {
      maxLength: 12,
    }),
    fc.constant(new Array<number>(objectives).fill(4)),
  ),
);

/** By the definition: count the unit cells between the lowest corner and the reference point that some point dominates. */
function countCells(points: readonly number[][], reference: readonly number[]): number {
  let cells = 0;
  const walk = (cell: number[]) => {
    if (cell.length < reference.length) {
      for (let value = -1; value < reference[cell.length]!; value++) walk([...cell, value]);
    } else if (points.some((point) => point.every((value, i) => value <= cell[i]!))) {
      cells++;
    }
  };
  walk([]);
  return cells;
}

/** Inclusion and exclusion over all subsets: exact for any coordinates, for few points. */
function includeExclude(points: readonly number[][], reference: readonly number[]): number {
  let volume = 0;
  for (let subset = 1; subset < 2 ** points.length; subset++) {
    const members = points.filter((_, i) => (subset >> i) & 1);
    const corner = reference.map((_, objective) => Math.max(...members.map((point) => point[objective]!)));
    const box = corner.reduce((product, value, i) => product * Math.max(0, reference[i]! - value), 1);
    volume += members.length % 2 === 1 ? box : -box;
  }
  return volume;
}

/** Slice by slice along the last objective (Knowles 2002's HSO), down to one. */
function slice(points: readonly number[][], reference: readonly number[]): number {
  const last = reference.length - 1;
  const inside = points.filter((point) => point[last]! < reference[last]!);
  const values = [...new Set(inside.map((point) => point[last]!))].sort((a, b) => a - b);
  if (last === 0) return values.length === 0 ? 0 : reference[0]! - values[0]!;
  return values.reduce((volume, value, i) => {
    const below = inside.filter((point) => point[last]! <= value).map((point) => point.slice(0, last));
    return volume + ((values[i + 1] ?? reference[last]!) - value) * slice(below, reference.slice(0, last));
  }, 0);
}

test("hypervolume counts the dominated cells of a grid", () => {
  fc.assert(
    fc.property(clouds, ([points, reference]) => {
      expect(hypervolume(points, reference)).toBe(countCells(points, reference));
    }),
    { numRuns: 1500 },
  );
});

test.each([1, 2, 3, 4, 5])(
  "hypervolume of random points in %i objectives equals inclusion and exclusion",
  (objectives) => {
    const random = new Random(objectives);
    for (let round = 0; round < 20; round++) {
      const points = Array.from({ length: 9 }, () => Array.from({ length: objectives }, () => random.uniform() * 1.2));
      const reference = new Array<number>(objectives).fill(1);
      expect(hypervolume(points, reference)).toBeCloseTo(includeExclude(points, reference), 10);
    }
  },
);

test.each([
  [3, 60],
  [4, 30],
  [5, 14],
])("hypervolume of clouds with ties and duplicates in %i objectives equals slicing", (objectives, count) => {
  const random = new Random(`slices ${objectives}`);
  for (let round = 0; round < 12; round++) {
    const points = Array.from({ length: count }, () =>
      Array.from({ length: objectives }, () => (random.chance(0.5) ? random.integer(5) / 4 : random.uniform())),
    );
    const cloud = [...points, ...points.slice(0, 5)];
    const reference = new Array<number>(objectives).fill(1);
    expect(hypervolume(cloud, reference)).toBeCloseTo(slice(cloud, reference), 10);
  }
});

test("hypervolume of the whole box is its volume, and of nothing is 0", () => {
  expect(hypervolume([[0, 0, 0]], [2, 3, 4])).toBe(24);
  expect(hypervolume([], [1, 1])).toBe(0);
  expect(hypervolume([[1, 0]], [1, 1])).toBe(0);
});

test("a sphere's octant is measured in 3-D with a thousand points", () => {
  // Points 1 - u for u on the unit sphere dominate (1, 1, 1) down to the octant: the volume tends to pi / 6 from below.
  const random = new Random("sphere");
  const points = Array.from({ length: 1000 }, () => {
    const direction = [random.normal(), random.normal(), random.normal()].map(Math.abs);
    const length = Math.hypot(...direction);
    return direction.map((value) => 1 - value / length);
  });
  const volume = hypervolume(points, [1, 1, 1]);
  expect(volume).toBeLessThan(Math.PI / 6);
  expect(volume).toBeGreaterThan(Math.PI / 6 - 0.03);
});

test.each([
  [[[1, Number.NaN]], [2, 2]],
  [[[1, 1, 1]], [2, 2]],
  [[[1, 1]], [2, Infinity]],
  [[], []],
])("%j within %j is refused", (points, reference) => {
  expect(() => hypervolume(points, reference)).toThrow(RangeError);
});
