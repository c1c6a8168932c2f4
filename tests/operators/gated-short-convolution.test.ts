import * as tf from "@tensorflow/tfjs";
import { beforeAll, expect, test } from "vitest";
import { gatedShortConvolution } from "../../operators/gated-short-convolution/index.ts";
import {
  combine,
  linear,
  type PlainWeights,
  type Sequence,
  shortConvolution,
  thirds,
  tryOperator,
  worstError,
} from "./plain.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

/** The LFM2 block: (B, C, v) = W x; y = W' (C * conv(B * v)). */
function slow(weights: PlainWeights, x: Sequence): Sequence {
  const get = (name: string) => weights[name] as Float32Array;
  const u = linear(x, get("in_proj.weight"));
  const [b, c, v] = thirds(u);
  const mixed = shortConvolution(
    combine((p, q) => p * q, b, v),
    get("conv.weight"),
  );
  return linear(
    combine((p, q) => p * q, c, mixed),
    get("out_proj.weight"),
  );
}

test.each([
  { kernel: 3, width: 6, length: 9 },
  { kernel: 4, width: 8, length: 8 },
  { kernel: 7, width: 5, length: 3 },
])("$kernel taps over $length tokens of $width channels equal the slow loop", ({ kernel, ...context }) => {
  expect(worstError(tryOperator(gatedShortConvolution, { kernel }, context), slow)).toBeLessThan(1e-5);
});
