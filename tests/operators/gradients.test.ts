import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../genome/random.ts";
import "../../operators/gradients.ts";
import { derivativeError, weightedSum } from "./finite-differences.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

type Function = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Every mended kernel, with the shapes of its inputs; equal axes where a transposed gradient would go unseen. */
const cases: Record<string, { f: Function; shapes: number[][]; positive?: boolean }> = {
  "cumsum along the first of three axes": { f: (x) => tf.cumsum(x, 0), shapes: [[4, 2, 3]] },
  "cumsum along an inner axis as long as the last": { f: (x) => tf.cumsum(x, 1), shapes: [[2, 4, 4]] },
  "cumsum, exclusive and reversed": { f: (x) => tf.cumsum(x, 1, true, true), shapes: [[2, 4, 4]] },
  "cumsum along the last axis": { f: (x) => tf.cumsum(x, 1), shapes: [[3, 5]] },
  "sum over all": { f: (x) => tf.sum(tf.square(x)), shapes: [[3, 4]] },
  "sum over inner axes": { f: (x) => tf.sum(tf.square(x), [0, 2]), shapes: [[3, 4, 2]] },
  "sum that keeps its axis": { f: (x) => tf.sum(tf.square(x), -2, true), shapes: [[3, 3, 3]] },
  "mean over all": { f: (x) => tf.mean(tf.square(x)), shapes: [[3, 4]] },
  "mean over inner axes": { f: (x) => tf.mean(tf.square(x), [1, 3]), shapes: [[2, 3, 4, 3]] },
  "mean that keeps its axis": { f: (x) => tf.mean(tf.square(x), 1, true), shapes: [[3, 5, 2]] },
  rsqrt: { f: (x) => tf.rsqrt(x), shapes: [[7]], positive: true },
  "tile of rank one": { f: (x) => tf.tile(x, [3]), shapes: [[4]] },
  "tile of rank three": { f: (x) => tf.tile(x, [2, 1, 3]), shapes: [[3, 2, 3]] },
  "tile of rank five": { f: (x) => tf.tile(x, [2, 1, 1, 1, 3]), shapes: [[1, 2, 1, 2, 2]] },
  "broadcast to more axes": { f: (x) => tf.broadcastTo(x, [4, 3, 2]), shapes: [[3, 1]] },
  "unstack into one piece": { f: (x) => tf.square(tf.unstack(x, 1)[0] as tf.Tensor), shapes: [[3, 1, 2]] },
  "unstack along the last axis, counted from the end": {
    f: (x) => tf.unstack(x, -1).reduce((product, piece) => tf.mul(product, piece)),
    shapes: [[3, 3, 3]],
  },
  "split into one piece": { f: (x) => tf.square(tf.split(x, 1, 0)[0] as tf.Tensor), shapes: [[3, 2]] },
  "matMul of equal batches": { f: (a, b) => tf.matMul(a, b), shapes: [[2, 3, 4], [2, 4, 5]] }, // biome-ignore format: one line a case
  "matMul, the second broadcast": { f: (a, b) => tf.matMul(a, b), shapes: [[2, 3, 4], [1, 4, 4]] }, // biome-ignore format: one line a case
  "matMul, the first broadcast, square": { f: (a, b) => tf.matMul(a, b), shapes: [[1, 4, 4], [4, 4, 4]] }, // biome-ignore format: one line a case
  "matMul with the first transposed": { f: (a, b) => tf.matMul(a, b, true), shapes: [[2, 4, 3], [1, 4, 5]] }, // biome-ignore format: one line a case
  "matMul with the second transposed": { f: (a, b) => tf.matMul(a, b, false, true), shapes: [[1, 3, 4], [2, 5, 4]] }, // biome-ignore format: one line a case
  "matMul with both transposed": { f: (a, b) => tf.matMul(a, b, true, true), shapes: [[2, 4, 4], [1, 4, 4]] }, // biome-ignore format: one line a case
  "maximum of broadcast inputs": { f: (a, b) => tf.maximum(a, b), shapes: [[3, 4], [4]] }, // biome-ignore format: one line a case
  "minimum of broadcast inputs": { f: (a, b) => tf.minimum(a, b), shapes: [[3, 1], [3, 4]] }, // biome-ignore format: one line a case
  "squared difference of broadcast inputs": { f: (a, b) => tf.squaredDifference(a, b), shapes: [[3, 4], [3, 1]] }, // biome-ignore format: one line a case
};

describe("gradients agree with finite differences", () => {
  test.each(Object.entries(cases))("%s", (name, { f, shapes, positive }) => {
    const random = new Random(name);
    const draw = () => (positive ? 0.5 + random.uniform() : random.normal());
    const at = shapes.map((shape) => Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw));
    const inputs = at.map((values, i) => tf.tensor(values, shapes[i] as number[]));
    const r = Float32Array.from({ length: f(...inputs).size }, () => random.normal());

    const gradients = tf.grads((...xs) => tf.sum(tf.mul(tf.reshape(f(...xs), [-1]), r)))(inputs);
    expect(gradients.map(({ shape }) => shape)).toEqual(shapes);
    const flat = gradients.map((gradient) => gradient.dataSync() as Float32Array);
    const value = (arrays: readonly Float32Array[]) =>
      weightedSum(f(...arrays.map((values, i) => tf.tensor(values, shapes[i] as number[]))), r);
    const error = derivativeError({ value, at, gradient: flat, random: () => random.normal() }, 1e-3);
    expect(error).toBeLessThan(1e-3);
  });
});

describe("comparisons", () => {
  const x = () => tf.tensor1d([-2, -0.5, 0.5, 2]);

  const comparisons = {
    greater: tf.greater,
    greaterEqual: tf.greaterEqual,
    less: tf.less,
    lessEqual: tf.lessEqual,
    equal: tf.equal,
    notEqual: tf.notEqual,
  };

  test.each(Object.entries(comparisons))("a condition made by %s takes no gradient and stops none", (_, compare) => {
    const f = (x: tf.Tensor) => tf.sum(tf.where(compare(x, 0), tf.mul(x, 3), tf.mul(x, 5)));
    const isTaken = compare(x(), 0).arraySync() as number[];
    expect(tf.grad(f)(x()).arraySync()).toEqual(isTaken.map((taken) => (taken ? 3 : 5)));
  });

  test("neither do logical combinations of conditions", () => {
    const inside = (x: tf.Tensor) => tf.logicalAnd(tf.greater(x, -1), tf.logicalNot(tf.greater(x, 1)));
    const far = (x: tf.Tensor) => tf.logicalOr(inside(x), tf.less(x, -1));
    const f = (x: tf.Tensor) => tf.sum(tf.where(far(x), tf.square(x), tf.zerosLike(x)));
    expect(tf.grad(f)(x()).arraySync()).toEqual([-4, -1, 1, 0]);
  });
});

describe("gradients stay small in a compiled program", () => {
  async function kernelsOf(f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor): Promise<string[]> {
    const { kernels } = await tf.profile(() => tf.grad((x) => tf.sum(f(x)))(x));
    return kernels.map(({ name }) => name);
  }

  test.each([
    { name: "sum", f: (x: tf.Tensor) => tf.sum(x, 0), without: "Multiply" },
    { name: "mean over many", f: (x: tf.Tensor) => tf.mean(x, 0), without: "RealDiv" },
    { name: "rsqrt", f: (x: tf.Tensor) => tf.rsqrt(x), without: "Pow" },
    { name: "tile", f: (x: tf.Tensor) => tf.tile(x, [40, 30]), without: "Slice" },
  ])("$name: no $without", async ({ f, without }) => {
    const kernels = await kernelsOf(f, tf.ones([3, 4]));
    expect(kernels).not.toContain(without);
    expect(kernels.length).toBeLessThan(12);
  });
});
