// Expected numbers are numpy 2.4.6's own (`RandomState(12345)`); the records of the reference data cover the rest.
import { describe, expect, test } from "vitest";
import { RandomState } from "../../../../workers/mad/numpy/random-state.ts";

describe("RandomState", () => {
  const fresh = () => new RandomState(12345);
  const p = [0.1, 0.2, 0.3, 0.05, 0.35];

  test("randint rejects masked draws, and takes a full 32-bit draw as it is", () => {
    const wide = fresh();
    expect([0, 0, 0].map(() => wide.randint(2 ** 32))).toEqual([3992670690, 3823185381, 1358822685]);
    const narrow = fresh();
    expect([0, 0, 0].map(() => narrow.randint(2 ** 31 + 11))).toEqual([1358822685, 561383553, 789925284]);
    expect(() => narrow.randint(2 ** 32 + 1)).toThrow("randint(4294967297)");
  });

  test("choice, with and without replacement and probabilities", () => {
    expect([...fresh().choices(10, 10, { replace: false })]).toEqual([0, 7, 3, 9, 6, 4, 1, 8, 5, 2]);
    expect([...fresh().choices(5, 12, { p })]).toEqual([4, 2, 1, 1, 2, 2, 4, 4, 4, 4, 4, 4]);
    expect([...fresh().choices(5, 5, { p, replace: false })]).toEqual([4, 2, 1, 0, 3]);
    expect(() => fresh().choices(3, 4, { replace: false })).toThrow("4 different values asked of 3");
  });

  test("a legacy seed is a 32-bit integer", () => {
    for (const seed of [-1, 0.5, 2 ** 32]) expect(() => new RandomState(seed)).toThrow("legacy seed");
  });
});
