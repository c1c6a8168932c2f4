import { expect, test } from "vitest";
import { fitGaussianProcess } from "../../genome/algorithms/gaussian-process.ts";
import { Random } from "../../genome/index.ts";

test("two points by hand", () => {
  // Kernel k = exp(-1/2) between them; of the noise shares 0.5 is the likeliest for opposite targets:
  // y K^-1 y + log det K = 2 / (1 - s k) + log(1 - s^2 k^2) is least at the smallest signal s = 0.5.
  const k = Math.exp(-0.5);
  const predict = fitGaussianProcess([[0], [3]], [11, 9]);
  const { mean, deviation } = predict([0]);
  expect(mean).toBeCloseTo(10 + (0.5 * (1 - k)) / (1 - 0.5 * k), 10);
  // 0.5 - t K^-1 t with t = 0.5 (1, k).
  const explained = (0.25 * (1 - 0.5 * k * k + k * k - 0.5 * k * k)) / (1 - 0.25 * k * k);
  expect(deviation).toBeCloseTo(Math.sqrt(0.5 - explained), 10);
});

test("a smooth function is predicted between the points, and its doubt grows away from them", () => {
  const random = new Random("smooth");
  const points = Array.from({ length: 60 }, () => [4 * random.uniform(), 4 * random.uniform()]);
  const smooth = ([x, y]: readonly number[]) => 20 + Math.sin(x!) * Math.cos(y!);
  const predict = fitGaussianProcess(points, points.map(smooth));
  for (let i = 0; i < 50; i++) {
    const point = [0.5 + 3 * random.uniform(), 0.5 + 3 * random.uniform()];
    expect(Math.abs(predict(point).mean - smooth(point))).toBeLessThan(0.1);
  }
  const far = predict([100, 100]);
  expect(far.mean).toBeCloseTo(points.map(smooth).reduce((sum, value) => sum + value, 0) / 60, 6);
  expect(far.deviation).toBeGreaterThan(10 * predict(points[0]!).deviation);
});

test("pure noise is taken for noise: the prediction stays near the mean", () => {
  const random = new Random("noise");
  const points = Array.from({ length: 80 }, () => [random.uniform(), random.uniform(), random.uniform()]);
  const targets = points.map(() => random.normal());
  const predict = fitGaussianProcess(points, targets);
  const squares = points.map((point) => predict(point).mean ** 2);
  expect(squares.reduce((sum, square) => sum + square, 0) / 80).toBeLessThan(0.5);
});

test("equal targets, equal points and one point are no trouble", () => {
  expect(fitGaussianProcess([[1], [2], [3]], [7, 7, 7])([9])).toMatchObject({ mean: 7 });
  expect(fitGaussianProcess([[1, 1]], [5])([2, 2]).mean).toBe(5);
  const { mean } = fitGaussianProcess([[1], [1], [1]], [1, 2, 3])([1]);
  expect(mean).toBeCloseTo(2, 10);
});
