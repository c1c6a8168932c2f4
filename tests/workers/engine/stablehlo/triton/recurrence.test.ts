// The recurrence kernel, interpreted, against a loop written from the equation.
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../../../../genome/random.ts";
import { type RecurrenceShape, recurrence } from "../../../../../workers/engine/stablehlo/kernels/recurrence.ts";
import { distance } from "../distance.ts";
import { drawn, normal, plain, unwritten } from "./arrays.ts";
import { runKernel } from "./interpreter.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

type Sizes = Pick<RecurrenceShape, "rows" | "length" | "channels">;
const cases: readonly [string, Sizes][] = [
  ["odd sizes", { rows: 3, length: 9, channels: 5 }],
  ["several chunks and blocks", { rows: 2, length: 33, channels: 70 }],
  ["whole chunks and blocks", { rows: 1, length: 32, channels: 64 }],
  ["as many tokens as channels", { rows: 2, length: 16, channels: 16 }],
  ["one token of one channel", { rows: 2, length: 1, channels: 1 }],
];
const elements = [
  ["f32", { decay: "f32", input: "f32", h: "f32" }, 3e-7],
  ["bf16", { decay: "bf16", input: "bf16", h: "bf16" }, 4e-3],
  ["decays in f32 of input in bf16", { decay: "f32", input: "bf16", h: "bf16" }, 4e-3],
] as const;

describe.each(cases)("%s", (_, sizes) => {
  describe.each(elements)("%s", (_, elements, tolerance) => {
    test.each([false, true])("reverse %s", (reverse) => {
      const array = [sizes.rows, sizes.length, sizes.channels];
      const random = new Random("recurrence");
      const decay = drawn(array, elements.decay, () => random.uniform());
      const input = drawn(array, elements.input, normal(random));
      const h = unwritten(array);
      runKernel(recurrence({ ...sizes, reverse, elements }), [decay.values, input.values, h.values]);
      expect(distance(h.values, plain("Recurrence", { decay, input }, { reverse }).values)).toBeLessThan(tolerance);
    });
  });
});
