// The attention kernels on heads of one array, turned by their positions, against loops written from the equations.
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../../../../genome/random.ts";
import {
  type AttentionShape,
  attentionBackward,
  attentionBackwardKeys,
  attentionBackwardQueries,
  attentionForward,
  fitsOneProgram,
} from "../../../../../workers/engine/stablehlo/kernels/attention.ts";
import { rotaryTables } from "../../../../../workers/engine/stablehlo/kernels/rotary.ts";
import { distance } from "../distance.ts";
import { drawn, normal, plain, rounded, type Tensor, unwritten } from "./arrays.ts";
import { runKernel } from "./interpreter.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

type Case = Pick<AttentionShape, "length" | "heads" | "kvHeads" | "keyWidth" | "rotary" | "left">;

const cases: readonly [string, Case][] = [
  ["not turned", { length: 33, heads: 2, kvHeads: 2, keyWidth: 8, rotary: 0, left: null }],
  ["turned, over two blocks", { length: 70, heads: 4, kvHeads: 2, keyWidth: 8, rotary: 8, left: null }],
  ["turned in part", { length: 9, heads: 2, kvHeads: 1, keyWidth: 6, rotary: 4, left: null }],
  ["as wide as a tile, in a window", { length: 33, heads: 1, kvHeads: 1, keyWidth: 16, rotary: 16, left: 5 }],
  ["wide", { length: 40, heads: 2, kvHeads: 1, keyWidth: 40, rotary: 40, left: null }],
];

const rows = 2;
const rotaryBase = 100;
const tolerances = { f32: 3e-6, bf16: 1e-2 };

describe.each(cases)("%s", (_, sizes) => {
  describe.each(["f32", "bf16"] as const)("%s", (element) => {
    const { length, heads, kvHeads, keyWidth, rotary } = sizes;
    const shape: AttentionShape = {
      ...{ ...sizes, rows, element, valueWidth: keyWidth, right: 0, scale: 1 / Math.sqrt(keyWidth) },
      ...{ weighting: "softmax", eps: 0, isPacked: true },
    };
    const all = [1, rows, length, heads + 2 * kvHeads, keyWidth];
    const outputs = [1, rows, length, heads, keyWidth];
    const random = new Random("packed attention");
    const qkv = drawn(all, element, normal(random.split("qkv")));
    const dout = drawn(outputs, element, normal(random.split("dout")));
    const { cos, sin } = rotaryTables({ length, width: keyWidth, channels: rotary, base: rotaryBase });
    const tables = rotary === 0 ? [] : [cos, sin];
    const attributes = { scale: shape.scale, left: shape.left ?? length, right: 0, kvHeads, rotary, rotaryBase };
    const reference = (kernel: string, inputs: Record<string, Tensor>) => plain(kernel, inputs, attributes);
    const known = () => {
      const out = rounded(reference("PackedAttention", { qkv }), element);
      return { out, statistics: reference("PackedAttentionStatistics", { qkv }), dout };
    };

    test("forward", () => {
      const [out, statistics] = [unwritten(outputs), unwritten([1, rows, heads, length])];
      runKernel(attentionForward(shape), [qkv.values, ...tables, out.values, statistics.values]);
      expect(distance(out.values, reference("PackedAttention", { qkv }).values)).toBeLessThan(tolerances[element]);
      const expected = reference("PackedAttentionStatistics", { qkv }).values;
      expect(distance(statistics.values, expected)).toBeLessThan(element === "f32" ? 1e-6 : 1e-2);
    });

    test("backward", () => {
      const { out, statistics } = known();
      const expected = reference("PackedAttentionGradient", { qkv, out, statistics, dout });
      const operands = [qkv.values, ...tables, out.values, statistics.values, dout.values];

      const parts = [heads, kvHeads, kvHeads].map((count) => unwritten([rows, length, count, keyWidth]).values);
      const [dQ, dK, dV] = parts as [Float32Array, Float32Array, Float32Array];
      runKernel(attentionBackwardQueries(shape), [...operands, dQ]);
      runKernel(attentionBackwardKeys(shape), [...operands, dK, dV]);
      for (const [i, first] of [0, heads, heads + kvHeads].entries()) {
        const part = headsOf(expected, first, i === 0 ? heads : kvHeads);
        expect(distance(parts[i]!, part), ["dQ", "dK", "dV"][i]!).toBeLessThan(tolerances[element]);
      }

      if (!fitsOneProgram(shape)) return;
      const whole = unwritten(all).values;
      runKernel(attentionBackward(shape), [...operands, whole]);
      expect(distance(whole, expected.values)).toBeLessThan(tolerances[element]);
    });
  });
});

function headsOf({ shape, values }: Tensor, first: number, count: number): Float32Array {
  const [all = 1, width = 1] = shape.slice(3);
  return values.filter((_, place) => {
    const head = Math.floor(place / width) % all;
    return head >= first && head < first + count;
  });
}
