import fc from "fast-check";
import { expect, test } from "vitest";
import { mergeIntoFront } from "../../../workers/advance/front.ts";

type Point = readonly number[];
const dominates = (a: Point, b: Point) => a.every((v, i) => v <= b[i]!) && a.some((v, i) => v < b[i]!);
const points = fc.array(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 3, maxLength: 3 }), { maxLength: 30 });

test("point by point, in any order, it holds exactly the points that no other dominates, each once", () => {
  fc.assert(
    fc.property(points, (all) => {
      const front = all.reduce<readonly Point[]>(mergeIntoFront, []);
      const best = all.filter((point) => !all.some((other) => dominates(other, point)));
      expect(front.map(String).sort()).toEqual([...new Set(best.map(String))].sort());
    }),
  );
});

test("a point that adds nothing leaves the same front", () => {
  const front = [[1, 2]];
  expect(mergeIntoFront(front, [1, 2])).toBe(front);
  expect(mergeIntoFront(front, [1, 3])).toBe(front);
  expect(mergeIntoFront(front, [0, 3])).toEqual([
    [1, 2],
    [0, 3],
  ]);
  expect(mergeIntoFront(front, [1, 1])).toEqual([[1, 1]]);
});
