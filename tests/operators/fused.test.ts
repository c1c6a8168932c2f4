// Operators with fused kernels against the same operators composed of tfjs's operations. The kernels are loops over plain
// arrays, written from the equations, on tfjs's "cpu" backend.
import * as tf from "@tensorflow/tfjs";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Options } from "../../genome/types.ts";
import { attention } from "../../operators/attention/index.ts";
import { normalizeSum } from "../../operators/backbones/norms.ts";
import { type FusedKernel, hasKernel } from "../../operators/fused.ts";
import { hyena } from "../../operators/hyena/index.ts";
import { linearAttention } from "../../operators/linear-attention/index.ts";
import { causalConvolution } from "../../operators/long-convolution.ts";
import { mamba } from "../../operators/mamba/index.ts";
import { linearRecurrence } from "../../operators/scan.ts";
import { slidingAttention } from "../../operators/sliding-attention/index.ts";
import { swiglu } from "../../operators/swiglu/index.ts";
import type { Operator, OperatorContext } from "../../operators/types.ts";
import { distance } from "./distance.ts";
import { plainFusedKernels } from "./plain-fused.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const computations = Object.keys(plainFusedKernels) as FusedKernel[];

function register(): void {
  for (const kernels of Object.values(plainFusedKernels))
    for (const [kernelName, kernelFunc] of Object.entries(kernels))
      tf.registerKernel({ kernelName, backendName: "cpu", kernelFunc });
}

function unregister(): void {
  for (const kernels of Object.values(plainFusedKernels))
    for (const kernelName of Object.keys(kernels))
      if (tf.getKernel(kernelName, "cpu")) tf.unregisterKernel(kernelName, "cpu");
}

afterEach(unregister);

test("a backend has no fused kernel unless it registers one", () => {
  expect(computations.filter(hasKernel)).toEqual([]);
  register();
  expect(computations.filter(hasKernel)).toEqual(computations);
});

interface Outcome {
  readonly y: tf.Tensor;
  readonly gradients: readonly tf.Tensor[];
}

/** The value of `apply` and its gradients for random inputs of the shapes, along a random direction. */
function differentiate(apply: (...x: tf.Tensor[]) => tf.Tensor, inputs: readonly tf.Tensor[]): Outcome {
  const y = apply(...inputs);
  const direction = tf.randomNormal(y.shape, 0, 1, "float32", 7);
  const gradients = tf.grads((...x: tf.Tensor[]) => tf.sum(tf.mul(apply(...x), direction)))([...inputs]);
  return { y, gradients };
}

function expectSame(fused: Outcome, composed: Outcome): void {
  expect(distance(fused.y, composed.y)).toBeLessThan(1e-5);
  expect(fused.gradients.length).toBe(composed.gradients.length);
  for (const [i, gradient] of fused.gradients.entries()) {
    const scale = Math.max(1, composed.gradients[i]!.abs().max().arraySync() as number);
    expect(distance(gradient, composed.gradients[i]!) / scale).toBeLessThan(1e-4);
  }
}

function outcomeOf<O extends Options>(operator: Operator<O>, options: O, context: OperatorContext): Outcome {
  const { width, length } = context;
  const specs = Object.entries(operator.parameters(options, context));
  const weights = specs.map(([, { shape }], i) => tf.randomNormal([2, ...shape], 0, 0.5, "float32", i + 1));
  const apply = (x: tf.Tensor, ...values: tf.Tensor[]) =>
    operator.apply(
      Object.fromEntries(specs.map(([name], i) => [name, values[i]!])),
      x as tf.Tensor4D,
      options,
      context,
    );
  return differentiate(apply, [tf.randomNormal([2, 3, length, width], 0, 1, "float32", 99), ...weights]);
}

/** Two norms in a row: the first of x itself, the second of a sum; the sum is used again. */
function residualNorms(shape: [number, number, number, number]): Outcome {
  const draw = (seed: number, sizes = shape as number[]) => tf.randomNormal(sizes, 0, 1, "float32", seed);
  const weights = [shape[0], shape[3]];
  return differentiate(
    (x, first, second) => {
      const one = normalizeSum("rms", { weight: first! }, { x: x as tf.Tensor4D });
      const update: tf.Tensor4D = tf.square(one.normal);
      const two = normalizeSum("rms", { weight: second! }, { x: one.sum, update });
      return tf.add(tf.tanh(two.sum), two.normal);
    },
    [draw(1), draw(2, weights), draw(3, weights)],
  );
}

function convolution({ length, channels }: { length: number; channels: number }): Outcome {
  return differentiate(
    (filter, x) => causalConvolution(filter as tf.Tensor3D, x as tf.Tensor4D),
    [
      tf.randomNormal([2, channels, length], 0, 1, "float32", 1),
      tf.randomNormal([2, 3, length, channels], 0, 1, "float32", 2),
    ],
  );
}

describe("values and gradients equal those of the composed form:", () => {
  const cases: readonly [string, () => Outcome][] = [
    ["attention", () => outcomeOf(attention, { heads: 2, kvHeads: 0, rotary: true }, { width: 8, length: 9 })],
    [
      "attention with as many tokens as channels",
      () => outcomeOf(attention, { heads: 2, kvHeads: 0, rotary: true }, { width: 8, length: 8 }),
    ],
    [
      "attention with shared keys",
      () => outcomeOf(attention, { heads: 4, kvHeads: 2, rotary: false }, { width: 8, length: 7 }),
    ],
    ["sliding attention", () => outcomeOf(slidingAttention, { heads: 2, window: 2 }, { width: 8, length: 9 })],
    [
      "linear attention",
      () => outcomeOf(linearAttention, { heads: 2, featureMap: "elu", featureDim: 0 }, { width: 8, length: 9 }),
    ],
    [
      "linear attention with more features than values",
      () => outcomeOf(linearAttention, { heads: 2, featureMap: "hedgehog", featureDim: 4 }, { width: 8, length: 8 }),
    ],
    ["mamba", () => outcomeOf(mamba, { stateSize: 3, convolution: 2, expand: 2 }, { width: 6, length: 9 })],
    [
      "mamba over groups of steps",
      () => outcomeOf(mamba, { stateSize: 2, convolution: 2, expand: 1 }, { width: 4, length: 20 }),
    ],
    ["SwiGLU", () => outcomeOf(swiglu, {}, { width: 6, length: 5 })],
    ["SwiGLU with as many tokens as channels", () => outcomeOf(swiglu, {}, { width: 8, length: 8 })],
    ["norms between layers", () => residualNorms([2, 3, 5, 6])],
    ["norms of as many tokens as channels", () => residualNorms([1, 2, 8, 8])],
    [
      "a linear recurrence",
      () =>
        differentiate(
          (decay, input) => linearRecurrence(decay as tf.Tensor3D, input as tf.Tensor3D),
          [tf.randomUniform([2, 19, 3], 0, 1, "float32", 1), tf.randomNormal([2, 19, 3], 0, 1, "float32", 2)],
        ),
    ],
    [
      "hyena",
      () =>
        outcomeOf(
          hyena,
          { filterOrder: 4, innerFactor: 2, projectionGroups: 2, shortFilter: 3 },
          { width: 6, length: 9 },
        ),
    ],
    ["a long convolution with as many tokens as channels", () => convolution({ length: 8, channels: 8 })],
    ["a long convolution in several blocks", () => convolution({ length: 33, channels: 3 })],
  ];

  test.each(cases)("%s", (_, run) => {
    const composed = run();
    register();
    expectSame(run(), composed);
  });
});
