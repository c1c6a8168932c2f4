// Every kernel the tracer knows, traced, lowered to ONNX and run, against the same call on eager tfjs.
import * as tf from "@tensorflow/tfjs";
import { describe, expect, test } from "vitest";
import { Random } from "../../../genome/random.ts";
import { kernels } from "../../../workers/engine/kernels.ts";
import { lowerings } from "../../../workers/engine/onnx/lowerings.ts";
import { onnxruntimeEngine, traceStep } from "../../../workers/engine/onnxruntime.ts";
import type { Step, TensorSpec } from "../../../workers/engine/types.ts";
import { expectClose } from "./close.ts";

type Tensors = { a: tf.Tensor3D; b: tf.Tensor2D; positive: tf.Tensor2D; whole: tf.Tensor2D; rows: tf.Tensor1D };

/** a float [2, 3, 5], b float [3, 5] with the third of a's first rows in it, whole int [3, 5] in -4..9, rows int [4] below 3. */
const specs: Record<keyof Tensors, TensorSpec> = {
  a: { shape: [2, 3, 5], dtype: "float32" },
  b: { shape: [3, 5], dtype: "float32" },
  positive: { shape: [3, 5], dtype: "float32" },
  whole: { shape: [3, 5], dtype: "int32" },
  rows: { shape: [4], dtype: "int32" },
};

/** Calls that reach the kernel, with odd sizes, negative axes and broadcasting where it takes them. */
const calls: Record<string, ((tensors: Tensors) => tf.Tensor)[]> = {
  Identity: [({ a }) => tf.clone(a)],
  Cast: [
    ({ whole }) => tf.cast(whole, "float32"),
    ({ a }) => tf.cast(tf.mul(a, 3), "int32"),
    ({ whole }) => tf.cast(tf.cast(whole, "bool"), "float32"),
    ({ a, b }) => tf.cast(tf.cast(tf.greater(a, b), "int32"), "float32"),
  ],

  Add: [({ a, b }) => tf.add(a, b), ({ whole }) => tf.add(whole, tf.scalar(3, "int32"))],
  Sub: [
    ({ a, b }) => tf.sub(b, a),
    // Five numbers that repeat over many rows, before and after.
    ({ a, b }) => tf.sub(tf.tile(a, [13, 64, 1]), tf.slice(b, [1, 0], [1, 5])),
    ({ a, b }) => tf.sub(tf.slice(b, [1, 0], [1, 5]), tf.tile(a, [13, 64, 1])),
    ({ a }) => tf.sub(tf.tile(a, [13, 64, 1]), tf.slice(a, 0, [1, 3, 1]).reshape([3, 1]).tile([64, 1])),
  ],
  Multiply: [({ a, b }) => tf.mul(a, b), ({ a }) => tf.mul(a, tf.ones([4, 1, 1, 1]))],
  RealDiv: [({ a, positive }) => tf.div(a, positive), ({ a }) => tf.div(a, tf.ones([2, 3, 5]))],
  Maximum: [({ a, b }) => tf.maximum(a, b)],
  Minimum: [({ a, b }) => tf.minimum(a, b), ({ whole }) => tf.minimum(whole, tf.scalar(3, "int32"))],
  Pow: [({ a, positive }) => tf.pow(positive, a), ({ a }) => tf.pow(a, 2)],
  AddN: [({ a, b }) => tf.addN([a, tf.mul(a, b), tf.sub(a, b)])],
  SquaredDifference: [({ a, b }) => tf.squaredDifference(a, b)],
  FloorDiv: [({ whole }) => tf.floorDiv(whole, tf.scalar(-3, "int32")), ({ a }) => tf.floorDiv(a, 0.3)],
  Mod: [({ whole }) => tf.mod(whole, tf.scalar(3, "int32")), ({ a }) => tf.mod(a, 0.3)],

  Less: [({ a, b }) => tf.less(a, b)],
  LessEqual: [({ a, b }) => tf.lessEqual(a, b)],
  Greater: [({ a, b }) => tf.greater(a, b)],
  GreaterEqual: [({ a, b }) => tf.greaterEqual(a, b)],
  Equal: [({ a, b }) => tf.equal(a, b), ({ whole }) => tf.equal(whole, tf.scalar(3, "int32"))],
  NotEqual: [({ a, b }) => tf.notEqual(a, b)],
  LogicalAnd: [({ a, b }) => tf.logicalAnd(tf.greater(a, 0), tf.greater(b, 0))],
  LogicalOr: [({ a, b }) => tf.logicalOr(tf.greater(a, 0), tf.greater(b, 0))],
  LogicalNot: [({ a }) => tf.logicalNot(tf.greater(a, 0))],
  Select: [
    ({ a, b }) => tf.where(tf.greater(b, 0), a, tf.mul(a, 2)),
    ({ a, b }) => tf.where(tf.greater(b, 0), tf.greater(a, 0), tf.less(a, b)),
  ],

  Neg: [({ a }) => tf.neg(a), ({ whole }) => tf.neg(whole)],
  Abs: [({ a }) => tf.abs(a)],
  Sign: [({ a }) => tf.sign(a)],
  Floor: [({ a }) => tf.floor(a)],
  Ceil: [({ a }) => tf.ceil(a)],
  Round: [({ whole }) => tf.round(tf.div(tf.cast(whole, "float32"), 2))],
  Exp: [({ a }) => tf.exp(a)],
  Expm1: [({ a }) => tf.expm1(a), ({ a }) => tf.expm1(tf.mul(a, 1e-6)), ({ a }) => tf.expm1(tf.mul(a, 30))],
  Log: [({ positive }) => tf.log(positive)],
  Log1p: [({ positive }) => tf.log1p(positive), ({ a }) => tf.log1p(tf.mul(a, 1e-8))],
  Sqrt: [({ positive }) => tf.sqrt(positive)],
  Rsqrt: [({ positive }) => tf.rsqrt(positive)],
  Square: [({ a }) => tf.square(a)],
  Reciprocal: [({ positive }) => tf.reciprocal(positive)],
  Sin: [({ a }) => tf.sin(a)],
  Cos: [({ a }) => tf.cos(a)],
  Tanh: [({ a }) => tf.tanh(a)],
  Erf: [({ a }) => tf.erf(a)],
  Sigmoid: [({ a }) => tf.sigmoid(a), ({ a }) => tf.sigmoid(tf.mul(a, 60))],
  Softplus: [({ a }) => tf.softplus(a), ({ a }) => tf.softplus(tf.mul(a, 60))],
  Relu: [({ a }) => tf.relu(a)],
  Relu6: [({ a }) => tf.relu6(tf.mul(a, 8))],
  LeakyRelu: [({ a }) => tf.leakyRelu(a, 0.3)],
  Elu: [({ a }) => tf.elu(a)],
  EluGrad: [({ a }) => tf.grad((x) => tf.elu(x))(a)],
  Step: [({ a }) => tf.step(a), ({ a }) => tf.step(a, 0.25)],
  ClipByValue: [({ a }) => tf.clipByValue(a, -0.5, 0.25)],
  Softmax: [({ a }) => tf.softmax(a), ({ a }) => tf.softmax(tf.mul(a, 100))],

  Sum: [
    ({ a }) => tf.sum(a),
    ({ a }) => tf.sum(a, [-1, 0], true),
    ({ whole }) => tf.sum(whole, 0),
    // Long enough to be summed as a product with ones.
    ({ a }) => tf.sum(tf.mul(tf.tile(a, [1, 6, 4]), tf.reshape(tf.range(0, 18), [18, 1])), 1),
    ({ a }) => tf.sum(tf.tile(a, [9, 1, 4]), [0, 1], true),
    ({ a }) => tf.sum(tf.tile(a, [9, 1, 4]), [0, 2]),
    ({ a }) => tf.sum(tf.tile(tf.sub(a, 0.1), [13, 64, 1]), [0, 1]),
    ({ a }) => tf.sum(tf.tile(tf.sub(a, 0.1), [1, 624, 1]), 1, true),
    ({ a }) => tf.sum(tf.reshape(tf.tile(a, [9, 1, 4]), [6, 3, 3, 20]), [0, 2]),
  ],
  Mean: [({ a }) => tf.mean(a, [0, 1]), ({ whole }) => tf.mean(whole)],
  Max: [({ a }) => tf.max(a, 1, true), ({ whole }) => tf.max(whole)],
  Min: [({ a }) => tf.min(a, [0, 2])],
  All: [({ a }) => tf.all(tf.greater(a, -1), 1)],
  Any: [({ a }) => tf.any(tf.greater(a, 1), [0, 1], true)],
  ArgMax: [({ a }) => tf.argMax(a, 1), ({ a }) => tf.argMax(tf.zerosLike(a), -1)],
  ArgMin: [({ a }) => tf.argMin(a, 0)],
  Cumsum: [({ a }) => tf.cumsum(a, 1), ({ a }) => tf.cumsum(a, 2, true, true)],
  BatchMatMul: [
    ({ a }) => tf.matMul(a, a, false, true),
    ({ a }) => tf.matMul(a, a, true, false),
    ({ a, b }) => tf.matMul(tf.transpose(a, [0, 2, 1]), b, true, true),
    ({ b, positive }) => tf.matMul(b, tf.transpose(positive)),
    ({ b, positive }) => tf.matMul(b, positive, true, false),
    // Few columns and many rows: computed the other way round.
    ({ a }) => tf.matMul(tf.reshape(tf.tile(a, [1, 7, 1]), [2, 1, 21, 5]), tf.reshape(a, [2, 1, 5, 3])),
    ({ a }) => tf.matMul(tf.reshape(tf.tile(a, [1, 7, 1]), [2, 5, 21]), tf.transpose(a, [0, 2, 1]), true),
    ({ b }) => tf.matMul(tf.tile(b, [7, 1]), b, false, true),
    ({ a }) => tf.matMul(tf.tile(a, [1, 7, 4]), tf.transpose(tf.tile(a, [1, 1, 4]), [0, 2, 1])),
    ({ a }) => tf.matMul(tf.tile(a, [1, 7, 4]), tf.tile(a, [1, 7, 1]), true),
  ],

  Reshape: [({ a }) => tf.reshape(a, [5, -1])],
  ExpandDims: [({ a }) => tf.expandDims(a, -1), ({ a }) => tf.expandDims(a, 1)],
  Transpose: [({ a }) => tf.transpose(a, [2, 0, 1]), ({ a }) => tf.transpose(a)],
  Slice: [({ a }) => tf.slice(a, [0, 1, 2], [-1, 2, 3]), ({ b }) => tf.slice(b, 1)],
  PadV2: [
    ({ a }) =>
      tf.pad(
        a,
        [
          [1, 0],
          [0, 2],
          [0, 0],
        ],
        -1,
      ),
    ({ whole }) =>
      tf.pad(whole, [
        [0, 0],
        [2, 0],
      ]),
  ],
  Tile: [({ a }) => tf.tile(a, [2, 1, 3]), ({ b }) => tf.broadcastTo(tf.slice(b, [0, 0], [1, 5]), [4, 3, 5])],
  Concat: [({ a }) => tf.concat([a, tf.neg(a), tf.slice(a, [0, 0, 0], [2, 3, 2])], -1)],
  Pack: [({ b, positive }) => tf.stack([b, positive], -1), ({ b, positive }) => tf.stack([b, positive], 1)],
  Unpack: [({ a }) => tf.addN(tf.unstack(a, -1)), ({ a }) => tf.unstack(a)[1] as tf.Tensor],
  SplitV: [({ a }) => tf.split(a, [1, 4], -1)[1] as tf.Tensor, ({ a }) => tf.split(a, 3, 1)[2] as tf.Tensor],
  Reverse: [({ a }) => tf.reverse(a, [0, -1])],
  GatherV2: [
    ({ b, rows }) => tf.gather(b, rows),
    ({ a, rows }) => tf.gather(a, tf.reshape(rows, [2, 2]), 1),
    ({ whole, rows }) => tf.gather(whole, rows),
  ],
  UnsortedSegmentSum: [
    ({ rows, a }) => tf.unsortedSegmentSum(tf.reshape(tf.slice(a, [0, 0, 0], [1, 2, 4]), [4, 2]), rows, 3),
    ({ rows, b }) => tf.unsortedSegmentSum(tf.slice(tf.reshape(b, [15]), [2], [4]), rows, 3),
  ],
  OneHot: [({ whole }) => tf.oneHot(whole, 6), ({ rows }) => tf.oneHot(rows, 3, 2, -1)],

  Fill: [({ a }) => tf.add(a, tf.fill([2, 3, 5], 0.5)), () => tf.fill([2, 2], 3, "int32")],
  ZerosLike: [({ a }) => tf.concat([a, tf.zerosLike(a)])],
  OnesLike: [({ a }) => tf.concat([a, tf.onesLike(a)])],
  Range: [() => tf.range(0, 7), () => tf.range(5, -3, -2, "int32"), () => tf.range(0.5, 2, 0.25)],
  LinSpace: [() => tf.linspace(-1, 2, 7)],
};

const reached = new Set<string>();

describe("every kernel gives what eager tfjs gives", () => {
  test.each(Object.keys(kernels))("%s", async (kernel) => {
    await tf.setBackend("cpu");
    expect(calls[kernel], `no call for kernel ${kernel}`).toBeDefined();
    for (const call of calls[kernel] ?? []) {
      const { used, shape, dtype, values } = await runEager(call);
      expect(used).toContain(kernel);
      const step: Step = {
        name: kernel,
        state: {},
        constants: specs,
        batch: {},
        outputs: { y: { shape, dtype } },
        apply: (tensors) => ({ y: comparable(call(tensors as Tensors)) }),
      };
      for (const node of traceStep(step).nodes) reached.add(node.primitive);
      const program = await onnxruntimeEngine().compile(step, { state: {}, constants: arrays() });
      const { y } = await program.run(1, {});
      await program.dispose();
      expectClose(y, values, 2e-6 * Math.max(1e-30, ...values.map(Math.abs)));
    }
  });

  // After all of the above: a primitive that no call reaches is one that no test has run.
  test("between them they use every primitive", () => {
    expect([...reached].sort()).toEqual(Object.keys(lowerings).sort());
  });
});

function arrays(): Record<keyof Tensors, Float32Array | Int32Array> {
  const random = new Random("kernels");
  const normal = (length: number) => Float32Array.from({ length }, () => random.normal());
  const a = normal(30);
  const b = normal(15);
  b.set(a.subarray(0, 5), 5); // equal elements, for the comparisons
  b.set(a.subarray(10, 15), 10);
  return {
    a,
    b,
    positive: normal(15).map((x) => Math.abs(x) + 0.1),
    whole: Int32Array.from({ length: 15 }, () => random.integer(14) - 4),
    rows: Int32Array.of(2, 0, 2, 1),
  };
}

/** Booleans as int32: the engine's interface knows numbers only. */
function comparable(tensor: tf.Tensor): tf.Tensor {
  return tensor.dtype === "bool" ? tf.cast(tensor, "int32") : tensor;
}

async function runEager(call: (tensors: Tensors) => tf.Tensor) {
  const values = arrays();
  const tensors = Object.fromEntries(
    Object.entries(specs).map(([name, { shape, dtype }]) => [
      name,
      tf.tensor(values[name as keyof Tensors], [...shape], dtype),
    ]),
  ) as unknown as Tensors;
  let result: tf.Tensor | undefined;
  const profile = await tf.profile(() => {
    result = comparable(call(tensors));
    return result;
  });
  const y = result as tf.Tensor;
  const dtype = y.dtype === "int32" ? ("int32" as const) : ("float32" as const);
  return { used: profile.kernelNames, shape: y.shape, dtype, values: Array.from(await y.data()) };
}
