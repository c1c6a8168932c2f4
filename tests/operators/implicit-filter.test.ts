import * as tf from "@tensorflow/tfjs";
import { beforeAll, expect, test } from "vitest";
import { Random } from "../../genome/random.ts";
import { implicitFilter, implicitFilterParameters, positionFeatures } from "../../operators/implicit-filter.ts";
import { within } from "../../operators/parts.ts";
import { relativeError } from "./plain.ts";
import { implicitFilter as slowFilter } from "./plain-filter.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const size = { channels: 6, order: 5, features: 5, length: 12, frequency: 10 };
const random = new Random("implicit filter");
const specs = Object.entries(implicitFilterParameters("f", size));
const weights = Object.fromEntries(specs.map(([name, { shape, initialize }]) => [name, initialize(random, shape)]));
const tensors = Object.fromEntries(
  specs.map(([name, { shape }]) => [name, tf.tensor(weights[name] as Float32Array, [1, ...shape])]),
);

const tapsOf = (length: number, form = {}) =>
  (implicitFilter(within(tensors, "f"), length, form).arraySync() as number[][][])[0] as number[][];

test("position features are the time, and cosine and minus sine of every frequency", () => {
  // exp(-i f w t) with f in {1e-4, 1}, w = 2 pi / 8, and t / 7: arXiv:2302.10866, appendix D.3.
  const row = [...positionFeatures(8, 5).subarray(2 * 5, 3 * 5)];
  const angle = (2 * Math.PI * 2) / 8;
  const expected = [2 / 7, Math.cos(1e-4 * angle), Math.cos(angle), -Math.sin(1e-4 * angle), -Math.sin(angle)];
  expect(relativeError([row], [expected])).toBeLessThan(1e-6);
});

test("the filter equals the slow network under its windows", () => {
  const expected = slowFilter(weights, "f", { longest: size.length, length: size.length });
  expect(relativeError(tapsOf(size.length), expected)).toBeLessThan(1e-5);
});

test("a shorter filter is the beginning of a longer one", () => {
  expect(tapsOf(7)).toEqual(tapsOf(size.length).map((row) => row.slice(0, 7)));
});

test("a frequency scale multiplies the frequencies", () => {
  const faster = { ...weights, "f.implicit_filter.1.freq": new Float32Array(size.order).fill(20) };
  const expected = slowFilter(faster, "f", { longest: size.length, length: size.length });
  expect(relativeError(tapsOf(size.length, { frequencyScale: 2 }), expected)).toBeLessThan(1e-4);
});

test("a shift keeps the windows above it", () => {
  const modulation = { fast: 0.3, slow: 1.5, target: 1e-2, shift: 0.5 };
  const still = { fast: 1e9, slow: 1e9, target: 1e-2, shift: 0 }; // windows of one everywhere
  const bare = tapsOf(size.length, { modulation: still });
  const expected = tapsOf(size.length).map((row, c) => row.map((tap, t) => tap + 0.5 * (bare[c]?.[t] as number)));
  expect(relativeError(tapsOf(size.length, { modulation }), expected)).toBeLessThan(1e-5);
});
