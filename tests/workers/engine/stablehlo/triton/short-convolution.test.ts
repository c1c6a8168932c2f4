// The short convolution kernels, interpreted, against a loop written from the equation.
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../../../../genome/random.ts";
import {
  type ShortConvolutionShape,
  shortConvolutionBackwardInput,
  shortConvolutionBackwardWeights,
  shortConvolutionForward,
} from "../../../../../workers/engine/stablehlo/kernels/short-convolution.ts";
import { distance } from "../distance.ts";
import { drawn, normal, plain, unwritten } from "./arrays.ts";
import { runKernel } from "./interpreter.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const cases: readonly [string, Omit<ShortConvolutionShape, "element">][] = [
  ["odd sizes", { members: 2, batch: 2, length: 9, inputs: 5, channels: 5, taps: 3 }],
  ["three groups over one input", { members: 1, batch: 2, length: 17, inputs: 6, channels: 18, taps: 4 }],
  ["fewer tokens than taps", { members: 1, batch: 1, length: 2, inputs: 3, channels: 3, taps: 4 }],
  ["whole tiles", { members: 1, batch: 1, length: 16, inputs: 128, channels: 128, taps: 2 }],
];

describe.each(cases)("%s", (_, sizes) => {
  describe.each([
    ["f32", 1e-6],
    ["bf16", 1e-2],
  ] as const)("%s", (element, tolerance) => {
    const shape = { ...sizes, element };
    const { members, batch, length, inputs, channels, taps } = sizes;
    const draw = normal(new Random("short convolution"));
    const x = drawn([members, batch, length, inputs], element, draw);
    const weight = drawn([members, channels, 1, taps], "f32", draw);
    const bias = drawn([members, channels], "f32", draw);
    const dy = drawn([members, batch, length, channels], element, draw);
    const gradient = (of: string) => plain("ShortConvolutionGradient", { x, weight, dy }, { of }).values;

    test("forward, with and without a bias", () => {
      const [y, unbiased] = [1, 2].map(() => unwritten([members, batch, length, channels]).values) as Two;
      runKernel(shortConvolutionForward(shape, true), [x.values, weight.values, bias.values, y]);
      runKernel(shortConvolutionForward(shape, false), [x.values, weight.values, unbiased]);
      expect(distance(y, plain("ShortConvolution", { x, weight, bias }).values)).toBeLessThan(tolerance);
      expect(distance(unbiased, plain("ShortConvolution", { x, weight }).values)).toBeLessThan(tolerance);
    });

    test("the gradient of the input", () => {
      const dX = unwritten([members, batch, length, inputs]).values;
      runKernel(shortConvolutionBackwardInput(shape), [weight.values, dy.values, dX]);
      expect(distance(dX, gradient("x"))).toBeLessThan(tolerance);
    });

    test("the gradients of taps and bias", () => {
      const parts = unwritten([members * batch, taps + 1, channels]).values;
      runKernel(shortConvolutionBackwardWeights(shape), [x.values, dy.values, parts]);
      const summed = (member: number, row: number, channel: number) =>
        Array.from(
          { length: batch },
          (_, b) => parts[((member * batch + b) * (taps + 1) + row) * channels + channel]!,
        ).reduce((a, b) => a + b);
      const found = (rows: number, first: number) =>
        Float32Array.from({ length: members * channels * rows }, (_, i) => {
          const system = Math.floor(i / rows);
          return summed(Math.floor(system / channels), first + (i % rows), system % channels);
        });
      expect(distance(found(taps, 0), gradient("weight"))).toBeLessThan(tolerance);
      expect(distance(found(1, taps), gradient("bias"))).toBeLessThan(tolerance);
    });
  });
});

type Two = [Float32Array, Float32Array];
