import { describe, expect, test } from "vitest";
import { mannWhitney, quantile, wilcoxonSignedRank } from "../../bench/statistics.ts";

const count = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Two samples without ties of which the first has the given U: its members exceed U members of the second. */
function samplesWithU(n: number, m: number, u: number): [number[], number[]] {
  const beaten = Array.from({ length: n }, (_, i) => Math.min(m, Math.max(0, u - i * m)));
  return [beaten.map((b, i) => b + 0.5 + i * 0.001), count(1, m)];
}

/** n differences 1 ... n of which those that are positive sum up to w. */
function pairsWithSum(n: number, w: number): [number[], number[]] {
  let left = w;
  const signs = count(1, n)
    .reverse()
    .map((rank) => {
      if (rank > left) return -rank;
      left -= rank;
      return rank;
    });
  return [signs, signs.map(() => 0)];
}

describe("the Mann-Whitney test", () => {
  // Two-tailed critical values of U, as printed in textbooks (Siegel 1956, table K; Zar 1999, table B.11).
  test.each([
    [5, 5, 0.05, 2],
    [5, 10, 0.05, 8],
    [8, 8, 0.05, 13],
    [10, 10, 0.05, 23],
    [10, 10, 0.01, 16],
    [20, 20, 0.05, 127],
    [20, 20, 0.01, 105],
  ])("n = %i, m = %i at %f is significant up to U = %i", (n, m, level, critical) => {
    const at = (u: number) => mannWhitney(...samplesWithU(n, m, u));
    expect(at(critical)).toMatchObject({ statistic: critical });
    expect(at(critical).p).toBeLessThanOrEqual(level);
    expect(at(critical + 1).p).toBeGreaterThan(level);
    expect(at(n * m - critical).p).toBeCloseTo(at(critical).p, 12);
  });

  test("counts every way to divide the values, ties included, as a slow loop does", () => {
    const [first, second] = [
      [1, 2, 2, 5],
      [2, 3, 5, 5, 7],
    ];
    const all = [...first, ...second];
    const rank = (value: number) =>
      (all.filter((other) => other < value).length + 1 + all.filter((other) => other <= value).length) / 2;
    const sums: number[] = [];
    for (let mask = 0; mask < 1 << 9; mask++) {
      const chosen = all.filter((_, i) => mask & (1 << i));
      if (chosen.length === 4) sums.push(chosen.reduce((sum, value) => sum + rank(value), 0));
    }
    const observed = first.reduce((sum, value) => sum + rank(value), 0);
    const middle = (Math.min(...sums) + Math.max(...sums)) / 2;
    const asFar = sums.filter((sum) => Math.abs(sum - middle) >= Math.abs(observed - middle));
    expect(mannWhitney(first, second).p).toBeCloseTo(asFar.length / sums.length, 12);
  });

  test("of equal samples is 1", () => {
    expect(mannWhitney([1, 1, 1], [1, 1]).p).toBe(1);
  });
});

describe("Wilcoxon's signed-rank test", () => {
  // Two-tailed critical values (Wilcoxon and Wilcox 1964).
  test.each([
    [6, 0.05, 0],
    [8, 0.05, 3],
    [10, 0.05, 8],
    [10, 0.01, 3],
    [15, 0.05, 25],
    [20, 0.05, 52],
    [20, 0.01, 37],
    [25, 0.05, 89],
  ])("n = %i at %f is significant up to a sum of %i", (n, level, critical) => {
    const at = (w: number) => wilcoxonSignedRank(...pairsWithSum(n, w));
    expect(at(critical).statistic).toBe(critical);
    expect(at(critical).p).toBeLessThanOrEqual(level);
    expect(at(critical + 1).p).toBeGreaterThan(level);
  });

  test("leaves out equal pairs, and is 1 where all are equal", () => {
    expect(wilcoxonSignedRank([1, 2, 3, 9], [1, 1, 1, 1])).toEqual(wilcoxonSignedRank([2, 3, 9], [1, 1, 1]));
    expect(wilcoxonSignedRank([4, 4], [4, 4]).p).toBe(1);
    expect(() => wilcoxonSignedRank([1], [])).toThrow("1 values cannot be paired with 0");
  });
});

test("quantiles lie between the values, the median of an even number in the middle", () => {
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(quantile([5], 0.25)).toBe(5);
  expect(quantile(count(0, 20), 0.25)).toBe(5);
  expect(() => quantile([], 0.5)).toThrow("no values");
});
