// Softmax attention against a loop over tokens, written from the paper.
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { composedAttention } from "../../operators/attention/composed.ts";
import { attention } from "../../operators/attention/index.ts";
import { attentionParameters, softmaxAttention } from "../../operators/attention/softmax-attention.ts";
import { slidingAttention } from "../../operators/sliding-attention/index.ts";
import type { Operator } from "../../operators/types.ts";
import { sizeOf } from "../../workers/engine/graph.ts";
import { trace } from "../../workers/engine/trace.ts";
import { linear, type PlainWeights, type Sequence, tryOperator, worstError } from "./plain.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

interface Slow {
  readonly heads: number;
  readonly kvHeads: number;
  readonly rotary: number;
  readonly isVisible: (query: number, key: number) => boolean;
}

/** softmax(q k / sqrt(K)) v, query head h with key head floor(h / (H / G)). */
function slowAttention(weights: PlainWeights, x: Sequence, { heads, kvHeads, rotary, isVisible }: Slow): number[][] {
  const width = x[0]?.length ?? 0;
  const k = width / heads;
  const projected = linear(x, weights["Wqkv.weight"] ?? [], weights["Wqkv.bias"]);
  const head = (block: number) => projected.map((row) => row.slice(block * k, (block + 1) * k));
  const mixed: number[][] = x.map(() => []);
  for (let h = 0; h < heads; h++) {
    const group = Math.floor(h / (heads / kvHeads));
    const queries = head(h).map((row, t) => turned(row, t, rotary));
    const keys = head(heads + group).map((row, t) => turned(row, t, rotary));
    const values = head(heads + kvHeads + group);
    for (const [t, query] of queries.entries()) {
      const seen = keys.map((_, s) => s).filter((s) => isVisible(t, s));
      const scores = seen.map((s) => Math.exp(dot(query, keys[s] ?? []) / Math.sqrt(k)));
      const total = scores.reduce((sum, score) => sum + score, 0);
      for (let c = 0; c < k; c++) {
        mixed[t]?.push(seen.reduce((sum, s, i) => sum + ((scores[i] ?? 0) / total) * (values[s]?.[c] ?? 0), 0));
      }
    }
  }
  return linear(mixed, weights["out_proj.weight"] ?? [], weights["out_proj.bias"]);
}

/** Pairs (i, i + R/2) as complex numbers, times exp(i t base^(-2i/R)). */
function turned(row: readonly number[], t: number, rotary: number): number[] {
  const half = rotary / 2;
  return row.map((value, i) => {
    if (i >= rotary) return value;
    const angle = t * 10_000 ** ((-2 * (i % half)) / rotary);
    return i < half
      ? value * Math.cos(angle) - (row[i + half] ?? 0) * Math.sin(angle)
      : value * Math.cos(angle) + (row[i - half] ?? 0) * Math.sin(angle);
  });
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

describe("attention equals the loop over tokens", () => {
  const past = (t: number, s: number) => s <= t;

  test.each([
    { heads: 1, kvHeads: 0, rotary: true },
    { heads: 4, kvHeads: 0, rotary: false },
    { heads: 4, kvHeads: 2, rotary: true },
    { heads: 4, kvHeads: 1, rotary: true },
    { heads: 2, kvHeads: 2, rotary: false },
  ])("$heads heads, $kvHeads key heads, rotary $rotary", (options) => {
    const trial = tryOperator(attention, options, { width: 8, length: 9 }, 7);
    const slow = {
      heads: options.heads,
      kvHeads: options.kvHeads || options.heads,
      rotary: options.rotary ? 8 / options.heads : 0,
      isVisible: past,
    };
    expect(worstError(trial, (weights, x) => slowAttention(weights, x, slow))).toBeLessThan(1e-5);
  });

  test.each([0, 1, 3, 8, 50])("a window of %i earlier tokens", (window) => {
    const trial = tryOperator(slidingAttention, { heads: 2, window }, { width: 8, length: 9 });
    const isVisible = (t: number, s: number) => s <= t && s >= t - window;
    const slow = { heads: 2, kvHeads: 2, rotary: 4, isVisible };
    expect(worstError(trial, (weights, x) => slowAttention(weights, x, slow))).toBeLessThan(1e-5);
  });

  test.each([
    [2, 1],
    [0, 3],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
  ])("%d tokens before and %d after, half of each head turned, no biases", (left, right) => {
    const twoSided: Operator = {
      parameters: (_, { width }) => attentionParameters(width, { heads: 2, kvHeads: 2, bias: false }),
      apply: (weights, x) => softmaxAttention(weights, x, { heads: 2, kvHeads: 2, rotary: 2, left, right }),
    };
    const isVisible = (t: number, s: number) => s >= t - left && s <= t + right;
    const slow = { heads: 2, kvHeads: 2, rotary: 2, isVisible };
    const trial = tryOperator(twoSided, {}, { width: 8, length: 6 });
    expect(worstError(trial, (weights, x) => slowAttention(weights, x, slow))).toBeLessThan(1e-5);
  });
});

test("of scores that no query of a block sees, none are made", () => {
  const [heads, length] = [2, 16];
  const qkv = { shape: [1, 1, length, heads, 4], dtype: "float32" } as const;
  const scores = (left: number, right: number) => {
    const graph = trace({ q: qkv, k: qkv, v: qkv }, ({ q, k, v }) => ({
      y: composedAttention(q as tf.Tensor5D, k as tf.Tensor5D, v as tf.Tensor5D, { scale: 1, left, right }),
    }));
    const sizes = graph.nodes.filter(({ primitive }) => primitive === "softmax").map(({ output }) => output.shape);
    return sizes.reduce((sum, shape) => sum + sizeOf(shape), 0) / heads;
  };
  const all = Number.POSITIVE_INFINITY;
  expect(scores(all, all)).toBe(16 * 16);
  expect(scores(all, 0)).toBe(4 * (4 + 8 + 12 + 16));
  expect(scores(3, 0)).toBe(4 * (4 + 7 + 7 + 7));
});
