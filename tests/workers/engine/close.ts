import { expect } from "vitest";

type Numbers = ArrayLike<number> | undefined;

/** Element by element, by absolute difference; both sides must be there and equally long. */
export function expectClose(actual: Numbers, expected: Numbers, tolerance: number): void {
  expect(actual).toHaveLength(expected?.length ?? -1);
  expect(largestDifference(actual, expected)).toBeLessThanOrEqual(tolerance);
}

export function largestDifference(actual: Numbers = [], expected: Numbers = []): number {
  return Array.from(actual, (value, i) => Math.abs(value - (expected[i] ?? Number.NaN))).reduce(
    (largest, difference) => Math.max(largest, difference),
    0,
  );
}
