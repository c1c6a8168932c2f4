// Every simple primitive, traced from tfjs, lowered to StableHLO and interpreted, against the same call on eager tfjs.
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Random } from "../../../../genome/random.ts";
import { traceStep } from "../../../../workers/engine/onnxruntime.ts";
import { lowerings } from "../../../../workers/engine/stablehlo/lowerings.ts";
import type { Step, TensorSpec } from "../../../../workers/engine/types.ts";
import { largestDifference } from "../close.ts";
import { lowered } from "./run.ts";

type Tensors = { a: tf.Tensor3D; b: tf.Tensor2D; positive: tf.Tensor2D; whole: tf.Tensor2D; rows: tf.Tensor1D };
const specs: Record<keyof Tensors, TensorSpec> = {
  a: { shape: [2, 3, 5], dtype: "float32" },
  b: { shape: [3, 5], dtype: "float32" },
  positive: { shape: [3, 5], dtype: "float32" },
  whole: { shape: [3, 5], dtype: "int32" },
  rows: { shape: [4], dtype: "int32" },
};
const foldedMask = () => tf.tensor2d([1, 0, 1, 1, 0], [1, 5], "bool");

const calls: Record<keyof typeof lowerings, ((tensors: Tensors) => tf.Tensor)[]> = {
  constant: [
    ({ a }) => tf.add(a, tf.fill([5], 0.1)),
    ({ a }) => tf.add(a, tf.tensor2d([0.1, -0, 1e-30, 3, Infinity], [1, 5])),
    ({ whole }) => tf.add(whole, tf.tensor1d([1, -2, 3, 4, 70000], "int32")),
    ({ a }) => tf.where(tf.broadcastTo(foldedMask(), [2, 3, 5]), a, tf.fill([2, 3, 5], -Infinity)),
  ],
  iota: [() => tf.range(0, 7), () => tf.range(5, -3, -2, "int32")],
  add: [({ a, b }) => tf.add(a, b), ({ whole }) => tf.add(whole, tf.scalar(3, "int32"))],
  sub: [({ a, b }) => tf.sub(b, a)],
  mul: [({ a, b }) => tf.mul(tf.reshape(a, [2, 3, 5, 1]), tf.reshape(b, [3, 1, 5]))],
  div: [({ a, positive }) => tf.div(a, positive)],
  max: [({ a, b }) => tf.maximum(a, b), ({ a }) => tf.relu(a)],
  min: [({ a, b }) => tf.minimum(a, b), ({ whole }) => tf.minimum(whole, tf.scalar(3, "int32"))],
  pow: [({ a, positive }) => tf.pow(positive, a), ({ a }) => tf.pow(a, 2)],
  less: [({ a, b }) => tf.less(a, b), ({ whole }) => tf.less(whole, tf.scalar(2, "int32"))],
  lessEqual: [({ a, b }) => tf.lessEqual(a, b)],
  equal: [({ a, b }) => tf.equal(a, b), ({ whole }) => tf.oneHot(whole, 6)],
  and: [({ a, b }) => tf.logicalAnd(tf.greater(a, 0), tf.greater(b, 0))],
  or: [({ a, b }) => tf.logicalOr(tf.greater(a, 0), tf.greater(b, 0))],
  not: [({ a }) => tf.logicalNot(tf.greater(a, 0))],
  select: [
    ({ a, b }) => tf.where(tf.greater(b, 0), a, tf.mul(a, 2)),
    ({ a, b }) => tf.where(tf.greater(b, 0), tf.greater(a, 0), tf.less(a, b)),
  ],
  convert: [
    ({ whole }) => tf.cast(whole, "float32"),
    ({ a }) => tf.cast(tf.mul(a, 3), "int32"),
    ({ whole }) => tf.cast(tf.cast(whole, "bool"), "float32"),
  ],
  neg: [({ a }) => tf.neg(a), ({ whole }) => tf.neg(whole)],
  abs: [({ a }) => tf.abs(a)],
  sign: [({ a }) => tf.sign(a)],
  floor: [({ a }) => tf.floor(a)],
  ceil: [({ a }) => tf.ceil(a)],
  round: [({ whole }) => tf.round(tf.div(tf.cast(whole, "float32"), 2))],
  exp: [({ a }) => tf.exp(a)],
  expm1: [({ a }) => tf.expm1(tf.mul(a, 1e-6)), ({ a }) => tf.expm1(a)],
  log: [({ positive }) => tf.log(positive)],
  log1p: [({ positive }) => tf.log1p(positive)],
  sqrt: [({ positive }) => tf.sqrt(positive)],
  sin: [({ a }) => tf.sin(a)],
  cos: [({ a }) => tf.cos(a)],
  tanh: [({ a }) => tf.tanh(a)],
  erf: [({ a }) => tf.erf(a)],
  sigmoid: [({ a }) => tf.sigmoid(tf.mul(a, 20))],
  softplus: [({ a }) => tf.softplus(tf.mul(a, 60)), ({ a }) => tf.softplus(a)],
  elu: [({ a }) => tf.elu(a)],
  softmax: [({ a }) => tf.softmax(a), ({ a }) => tf.softmax(tf.mul(a, 100))],
  reduceSum: [({ a }) => tf.sum(a), ({ a }) => tf.sum(a, [-1, 0], true), ({ whole }) => tf.sum(whole, 0)],
  reduceMax: [({ a }) => tf.max(a, 1, true), ({ whole }) => tf.max(whole)],
  reduceMin: [({ a }) => tf.min(a, [0, 2]), ({ whole }) => tf.min(whole, 1)],
  argMax: [
    ({ a }) => tf.argMax(a, 1),
    ({ whole }) => tf.argMax(tf.cast(tf.greater(whole, 0), "int32"), -1),
    ({ a }) => tf.argMax(tf.zerosLike(a), 2),
  ],
  cumsum: [
    ({ a }) => tf.cumsum(a, 2),
    ({ a }) => tf.cumsum(a, 2, true),
    ({ a }) => tf.cumsum(a, 1, false, true),
    ({ a }) => tf.cumsum(a, 2, true, true),
  ],
  matMul: [
    ({ b, positive }) => tf.matMul(b, positive, false, true),
    ({ b, positive }) => tf.matMul(b, positive, true, false),
    ({ a, b }) => tf.matMul(a, tf.reshape(b, [1, 3, 5]), true),
    ({ a, b }) => tf.matMul(tf.reshape(b, [1, 3, 5]), a, false, true),
  ],
  reshape: [({ a }) => tf.reshape(a, [5, -1])],
  broadcast: [({ b }) => tf.broadcastTo(tf.slice(b, [0, 0], [1, 5]), [4, 3, 5])],
  transpose: [({ a }) => tf.transpose(a, [2, 0, 1])],
  slice: [({ a }) => tf.slice(a, [0, 1, 2], [-1, 2, 3])],
  pad: [
    ({ b }) =>
      tf.pad(
        b,
        [
          [1, 0],
          [0, 2],
        ],
        -1,
      ),
    ({ whole }) =>
      tf.pad(whole, [
        [0, 0],
        [2, 0],
      ]),
  ],
  concat: [({ a }) => tf.concat([a, tf.neg(a), tf.slice(a, [0, 0, 0], [2, 3, 2])], -1)],
  reverse: [({ a }) => tf.reverse(a, [0, -1])],
  gather: [
    ({ b, rows }) => tf.gather(b, rows),
    ({ b, rows }) => tf.gather(b, tf.reshape(rows, [2, 2]) as tf.Tensor2D),
    ({ a, rows }) => tf.gather(a, tf.reshape(rows, [2, 2]) as tf.Tensor2D, 1),
    ({ whole, rows }) => tf.gather(whole, rows),
    ({ b, rows }) => tf.gather(tf.tile(b, [400, 1]), rows),
  ],
  scatterAdd: [
    ({ rows, a }) => tf.unsortedSegmentSum(tf.reshape(tf.slice(a, [0, 0, 0], [1, 2, 4]), [4, 2]), rows, 3),
    ({ rows, b }) => tf.unsortedSegmentSum(tf.slice(tf.reshape(b, [15]), [2], [4]), rows, 3),
    ({ rows, a }) => tf.unsortedSegmentSum(tf.reshape(tf.slice(a, [0, 0, 0], [1, 2, 4]), [4, 2]), rows, 1030),
  ],
};

const reached = new Set<string>();
beforeAll(() => tf.setBackend("cpu"));

test.each(Object.keys(calls) as (keyof typeof calls)[])("%s gives what eager tfjs gives", async (primitive) => {
  for (const call of calls[primitive]) {
    const values = arrays();
    const eager = comparable(call(eagerTensors(values)));
    const dtype = eager.dtype as "float32" | "int32";
    const step: Step = {
      ...{ name: primitive, state: {}, constants: specs, batch: {}, outputs: { y: { shape: eager.shape, dtype } } },
      apply: (tensors) => ({ y: comparable(call(tensors as Tensors)) }),
    };
    const nodes = traceStep(step).nodes.map((node) => node.primitive);
    expect(nodes).toContain(primitive);
    for (const name of nodes) reached.add(name);
    const { y } = lowered(step, { precision: "highest", capacity: 1 }).run(1, { state: {}, constants: values }).outputs;
    const expected = Array.from(await eager.data());
    expect(y).toHaveLength(expected.length);
    const finite = (numbers: ArrayLike<number>) => Array.from(numbers, (x) => (Number.isFinite(x) ? x : Math.sign(x)));
    const scale = Math.max(...finite(expected).map(Math.abs), 1e-30);
    expect(largestDifference(finite(y!), finite(expected))).toBeLessThanOrEqual(2e-6 * scale);
  }
});

test("division of integers truncates towards zero", () => {
  const step: Step = {
    ...{ name: "ratio", state: {}, constants: { x: specs.rows }, batch: {}, outputs: { y: specs.rows } },
    apply: ({ x }) => ({ y: tf.engine().runKernel("RealDiv", { a: x!, b: tf.scalar(2, "int32") }) as tf.Tensor }),
  };
  const { outputs } = lowered(step, { precision: "highest", capacity: 1 }).run(1, {
    state: {},
    constants: { x: Int32Array.of(-7, 7, -1, 6) },
  });
  expect([...outputs.y!]).toEqual([-3, 3, 0, 3]);
});

test("erf is within 2e-7 of its series, out to where it is 1", () => {
  const x = Float32Array.from({ length: 1201 }, (_, i) => (i - 600) / 150);
  const spec: TensorSpec = { shape: [x.length], dtype: "float32" };
  const step: Step = {
    ...{ name: "erf", state: {}, constants: { x: spec }, batch: {}, outputs: { y: spec } },
    apply: (tensors) => ({ y: tf.erf(tensors.x!) }),
  };
  const { outputs } = lowered(step, { precision: "highest", capacity: 1 }).run(1, { state: {}, constants: { x } });
  expect(largestDifference(outputs.y, Array.from(x, erfSeries))).toBeLessThan(2e-7);
});

/** The Maclaurin series in double precision; good to 1e-9 up to 4. */
function erfSeries(x: number): number {
  let [sum, term] = [0, x];
  for (let n = 0; n < 120; n++) {
    sum += term / (2 * n + 1);
    term *= -(x * x) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

// tfjs's own processor backend mixes up members here, so the expectation is a product of operands spread beforehand.
test.each([
  { a: [2, 1, 3, 5], b: [2, 4, 7, 5], transposeA: false, transposeB: true },
  { a: [2, 4, 5, 3], b: [2, 1, 5, 7], transposeA: true, transposeB: false },
  { a: [2, 1, 3, 5], b: [1, 4, 5, 7], transposeA: false, transposeB: false },
  { a: [2, 1, 5, 3], b: [2, 4, 5, 7], transposeA: true, transposeB: false },
  { a: [1, 4, 3, 5], b: [5, 7], transposeA: false, transposeB: false },
  { a: [3, 5], b: [2, 4, 7, 5], transposeA: false, transposeB: true },
])("products spread their leading axes: $a and $b", async ({ a, b, transposeA, transposeB }) => {
  const random = new Random("products");
  const values = (shape: number[]) =>
    Float32Array.from({ length: shape.reduce((n, size) => n * size, 1) }, () => random.normal());
  const constants = { a: values(a), b: values(b) };
  const leading = [0, 1].map((i) => Math.max(a.at(i - 4) ?? 1, b.at(i - 4) ?? 1));
  const spread = (data: Float32Array, shape: number[]) =>
    broadcast(tf.tensor(data, shape), [...leading, ...shape.slice(-2)]);
  const expected = tf.matMul(spread(constants.a, a), spread(constants.b, b), transposeA, transposeB);
  const step: Step = {
    name: "product",
    state: {},
    constants: { a: { shape: a, dtype: "float32" }, b: { shape: b, dtype: "float32" } },
    batch: {},
    outputs: { y: { shape: expected.shape, dtype: "float32" } },
    apply: ({ a, b }) => ({
      y: tf.engine().runKernel("BatchMatMul", { a: a!, b: b! }, { transposeA, transposeB }) as tf.Tensor,
    }),
  };
  const { y } = lowered(step, { precision: "highest", capacity: 1 }).run(1, { state: {}, constants }).outputs;
  expect(largestDifference(y, await expected.data())).toBeLessThan(1e-5);
});

afterAll(() => {
  expect(Object.keys(lowerings).filter((primitive) => !reached.has(primitive))).toEqual([]);
});

function broadcast(x: tf.Tensor, shape: number[]): tf.Tensor {
  return tf.broadcastTo(x, shape as [number, number, number, number]);
}

function arrays(): Record<keyof Tensors, Float32Array | Int32Array> {
  const random = new Random("primitives");
  const normal = (length: number) => Float32Array.from({ length }, () => random.normal());
  const a = normal(30);
  const b = normal(15);
  b.set(a.subarray(0, 5), 5); // equal elements, for the comparisons
  return {
    a,
    b,
    positive: normal(15).map((x) => Math.abs(x) + 0.1),
    whole: Int32Array.from({ length: 15 }, () => random.integer(14) - 4),
    rows: Int32Array.of(2, 0, 2, 1),
  };
}

function eagerTensors(values: Record<string, Float32Array | Int32Array>): Tensors {
  const entries = Object.entries(specs).map(([name, { shape, dtype }]) => [
    name,
    tf.tensor(values[name]!, [...shape], dtype),
  ]);
  return Object.fromEntries(entries);
}

function comparable(tensor: tf.Tensor): tf.Tensor {
  return tensor.dtype === "bool" ? tf.cast(tensor, "int32") : tensor;
}
