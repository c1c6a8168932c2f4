import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../genome/random.ts";
import {
  causalConvolution,
  circularConvolution,
  twoSidedConvolution,
  withSkip,
} from "../../operators/long-convolution.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

/** One block, one block exactly, several with and without a rest, of up to 16 and up to 32 taps. */
const lengths = [1, 2, 9, 16, 17, 64, 65, 127];
const [members, batch, channels] = [2, 3, 2];

type Numbers = Float32Array;

function draw(name: string, size: number): Numbers {
  const random = new Random(name);
  return Float32Array.from({ length: size }, () => random.normal());
}

/** y_t = sum_s tap(t - s) x_s for every member, sequence and channel; `tap` gets the distance and the filter's row. */
function slow(x: Numbers, length: number, tap: (distance: number, row: number) => number): number[] {
  const at = (p: number, b: number, t: number, c: number) => ((p * batch + b) * length + t) * channels + c;
  const y = Array<number>(x.length).fill(0);
  for (let p = 0; p < members; p++)
    for (let b = 0; b < batch; b++)
      for (let c = 0; c < channels; c++)
        for (let t = 0; t < length; t++)
          for (let s = 0; s < length; s++)
            y[at(p, b, t, c)] = (y[at(p, b, t, c)] ?? 0) + tap(t - s, p * channels + c) * (x[at(p, b, s, c)] ?? 0);
  return y;
}

function expectClose(actual: tf.Tensor, expected: readonly number[]): void {
  const values = actual.dataSync();
  const scale = Math.max(...expected.map(Math.abs));
  expect(values.length).toBe(expected.length);
  expect(Math.max(...expected.map((value, i) => Math.abs(value - (values[i] as number)))) / scale).toBeLessThan(1e-5);
}

const inputOf = (values: Numbers, length: number) => tf.tensor4d(values, [members, batch, length, channels]);
const filterOf = (values: Numbers, taps: number) => tf.tensor3d(values, [members, channels, taps]);

describe.each(lengths)("over %i tokens", (length) => {
  const x = draw("x", members * batch * length * channels);
  const h = draw("h", members * channels * length);
  const back = draw("back", members * channels * length);
  const causalTap = (distance: number, row: number) => (distance < 0 ? 0 : (h[row * length + distance] ?? 0));

  test("the causal convolution equals the sum over earlier tokens", () => {
    expectClose(causalConvolution(filterOf(h, length), inputOf(x, length)), slow(x, length, causalTap));
  });

  test("its gradients are the correlations with the cotangent", () => {
    const r = draw("r", x.length);
    const [dh, dx] = tf.grads((filter, input) =>
      tf.sum(tf.mul(causalConvolution(filter as tf.Tensor3D, input as tf.Tensor4D), inputOf(r, length))),
    )([filterOf(h, length), inputOf(x, length)]) as [tf.Tensor, tf.Tensor];

    expectClose(
      dx,
      slow(r, length, (distance, row) => causalTap(-distance, row)),
    );
    const correlation = Array.from({ length: h.length }, (_, i) => {
      const [row, lag] = [Math.floor(i / length), i % length];
      const [p, c] = [Math.floor(row / channels), row % channels];
      let sum = 0;
      for (let b = 0; b < batch; b++)
        for (let t = lag; t < length; t++) {
          const place = (p * batch + b) * length;
          sum += (r[(place + t) * channels + c] ?? 0) * (x[(place + t - lag) * channels + c] ?? 0);
        }
      return sum;
    });
    expectClose(dh, correlation);
  });

  test("the two-sided convolution reaches back from the next token on", () => {
    const tap = (distance: number, row: number) =>
      distance >= 0 ? causalTap(distance, row) : (back[row * length - distance - 1] ?? 0);
    const y = twoSidedConvolution(filterOf(h, length), filterOf(back, length), inputOf(x, length));
    expectClose(y, slow(x, length, tap));
  });

  test("the circular convolution wraps at twice the length", () => {
    const circle = draw("circle", 2 * h.length);
    const tap = (distance: number, row: number) =>
      circle[row * 2 * length + ((distance + 2 * length) % (2 * length))] ?? 0;
    expectClose(circularConvolution(filterOf(circle, 2 * length), inputOf(x, length)), slow(x, length, tap));
  });

  test("a skip is added through the first tap", () => {
    const skip = draw("skip", members * channels);
    const filter = withSkip(filterOf(h, length), tf.tensor2d(skip, [members, channels]));
    const tap = (distance: number, row: number) => causalTap(distance, row) + (distance === 0 ? (skip[row] ?? 0) : 0);
    expectClose(causalConvolution(filter, inputOf(x, length)), slow(x, length, tap));
  });
});

test("over 260 tokens, in blocks of more than 32 taps, the sum over earlier tokens is the same", () => {
  const length = 260;
  const x = draw("x", members * batch * length * channels);
  const h = draw("h", members * channels * length);
  const tap = (distance: number, row: number) => (distance < 0 ? 0 : (h[row * length + distance] ?? 0));
  expectClose(causalConvolution(filterOf(h, length), inputOf(x, length)), slow(x, length, tap));
});

test("no matrix over all pairs of tokens is ever held", async () => {
  const length = 512;
  const filter = tf.ones<tf.Rank.R3>([1, 1, length]);
  const { kernels } = await tf.profile(() => causalConvolution(filter, tf.ones([1, 1, length, 1])));
  const largest = Math.max(
    ...kernels.flatMap(({ outputShapes }) => outputShapes).map((shape) => tf.util.sizeFromShape(shape)),
  );
  expect(largest).toBeLessThan((length * length) / 3);
});
