// The attention kernels, interpreted, against loops written from the equations.
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
import { distance } from "../distance.ts";
import { drawn, normal, plain, rounded, type Tensor, unwritten } from "./arrays.ts";
import { runKernel } from "./interpreter.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

type Case = Omit<AttentionShape, "rows" | "scale" | "element">;
const softmax = { weighting: "softmax", eps: 0 } as const;
const linear = { weighting: "linear", eps: 0.5 } as const;
const all = { left: null, right: null, ...softmax };
const causal = { left: null, right: 0, ...softmax };
const width = (width: number) => ({ keyWidth: width, valueWidth: width });

const cases: readonly [string, Case][] = [
  ["9 tokens, causal", { length: 9, heads: 2, kvHeads: 2, ...width(8), ...causal }],
  ["33 tokens, grouped heads of width 6", { length: 33, heads: 4, kvHeads: 2, ...width(6), ...causal }],
  ["33 tokens that see all", { length: 33, heads: 2, kvHeads: 1, ...width(16), ...all }],
  ["a window of 4", { length: 33, heads: 2, kvHeads: 2, ...width(8), left: 4, right: 0, ...softmax }],
  ["a window of 20 over two blocks", { length: 70, heads: 2, kvHeads: 1, ...width(8), left: 20, right: 0, ...softmax }],
  ["a window to both sides", { length: 70, heads: 1, kvHeads: 1, ...width(6), left: 3, right: 9, ...softmax }],
  ["a window to the right only", { length: 33, heads: 2, kvHeads: 2, ...width(8), left: 0, right: 5, ...softmax }],
  [
    "everything before and 2 after",
    { length: 70, heads: 2, kvHeads: 2, ...width(8), left: null, right: 2, ...softmax },
  ],
  ["70 tokens, one key head", { length: 70, heads: 3, kvHeads: 1, ...width(16), ...causal }],
  ["as many tokens as a block", { length: 64, heads: 1, kvHeads: 1, ...width(8), ...causal }],
  ["as many tokens as two blocks", { length: 128, heads: 1, kvHeads: 1, ...width(8), ...causal }],
  ["heads of width 64", { length: 70, heads: 2, kvHeads: 1, ...width(64), ...causal }],
  ["wide heads in a window", { length: 70, heads: 1, kvHeads: 1, ...width(40), left: 7, right: 0, ...softmax }],
  ["values wider than keys", { length: 33, heads: 2, kvHeads: 1, keyWidth: 8, valueWidth: 24, ...causal }],
  ["linear", { length: 33, heads: 2, kvHeads: 2, ...width(8), ...causal, ...linear }],
  ["linear over two blocks", { length: 70, heads: 2, kvHeads: 1, ...width(6), ...causal, ...linear }],
  ["linear with a window", { length: 33, heads: 1, kvHeads: 1, ...width(8), ...linear, left: 4, right: 3 }],
  [
    "linear with many features",
    { length: 40, heads: 2, kvHeads: 2, keyWidth: 72, valueWidth: 8, ...causal, ...linear },
  ],
  [
    "linear with few features",
    { length: 20, heads: 1, kvHeads: 1, keyWidth: 4, valueWidth: 128, ...causal, ...linear },
  ],
];

const rows = 2;
const tolerances = { f32: 3e-6, bf16: 1e-2 };

describe.each(cases)("%s", (_, sizes) => {
  describe.each(["f32", "bf16"] as const)("%s", (element) => {
    const shape: AttentionShape = { ...sizes, rows, scale: 1 / Math.sqrt(sizes.keyWidth), element };
    const { length, heads, kvHeads, keyWidth, valueWidth, weighting, eps, scale } = shape;
    const ofQueries = [rows, length, heads, keyWidth];
    const ofKeys = [rows, length, kvHeads, keyWidth];
    const ofValues = [rows, length, kvHeads, valueWidth];
    const ofOutputs = [rows, length, heads, valueWidth];
    const given = () => {
      const random = new Random("attention");
      const draw = (sizes: number[], name: string) => drawn(sizes, element, normal(random.split(name)));
      /** Positive where their products are weights, whose sum could be near 0. */
      const feature = (sizes: number[], name: string) => {
        const stream = random.split(name);
        return drawn(sizes, element, weighting === "linear" ? () => stream.uniform() : normal(stream));
      };
      return {
        ...{ q: feature(ofQueries, "q"), k: feature(ofKeys, "k") },
        ...{ v: draw(ofValues, "v"), dout: draw(ofOutputs, "dout") },
      };
    };
    const windows = { weighting, eps, scale, left: shape.left ?? length, right: shape.right ?? length };
    const reference = (kernel: string, inputs: Record<string, Tensor>, of = "") =>
      plain(kernel, withMembers(inputs), { ...windows, of });

    test("forward", () => {
      const { q, k, v } = given();
      const [out, statistics] = [unwritten(ofOutputs), unwritten([rows, heads, length])];
      runKernel(attentionForward(shape), arrays([q, k, v, out, statistics]));
      expect(distance(out.values, reference("Attention", { q, k, v }).values)).toBeLessThan(tolerances[element]);
      expect(distance(statistics.values, reference("AttentionStatistics", { q, k, v }).values)).toBeLessThan(1e-6);
    });

    test("backward", () => {
      const { dout, ...inputs } = given();
      const out = rounded(reference("Attention", inputs), element);
      const statistics = reference("AttentionStatistics", inputs);
      const operands = [...Object.values(inputs), out, statistics, dout];
      const expected = (["query", "key", "value"] as const).map((of) =>
        reference("AttentionGradient", { ...inputs, out, statistics, dout }, of),
      );
      const split = [ofQueries, ofKeys, ofValues].map(unwritten) as [Tensor, Tensor, Tensor];
      runKernel(attentionBackwardQueries(shape), arrays([...operands, split[0]]));
      runKernel(attentionBackwardKeys(shape), arrays([...operands, split[1], split[2]]));
      expectAll(split, expected);
      if (!fitsOneProgram(shape)) return;
      const whole = [ofQueries, ofKeys, ofValues].map(unwritten);
      runKernel(attentionBackward(shape), arrays([...operands, ...whole]));
      expectAll(whole, expected);
    });

    function expectAll(found: readonly Tensor[], expected: readonly Tensor[]): void {
      found.forEach((gradient, i) => {
        expect(distance(gradient.values, expected[i]!.values), ["dQ", "dK", "dV"][i]!).toBeLessThan(
          tolerances[element],
        );
      });
    }
  });
});

test("both forms of backward are walked", () => {
  const forms = cases.map(([, sizes]) => fitsOneProgram({ ...sizes, rows, scale: 1, element: "f32" }));
  expect(new Set(forms)).toEqual(new Set([true, false]));
});

function withMembers(inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, values }]) => [name, { shape: [1, ...shape].slice(-5), values }]),
  );
}

function arrays(tensors: readonly Tensor[]): Float32Array[] {
  return tensors.map(({ values }) => values);
}
