// Softmax attention over all tokens or a window of them, with grouped keys and values.
//
// Vaswani et al. 2017, arXiv:1706.03762, eq. 1; grouped heads: Ainslie et al. 2023, arXiv:2305.13245.
// Parameter layout of flash-attention's MHA, which mad-lab uses: `Wqkv` holds H query heads, then G key heads,
// then G value heads, each head-major.
import * as tf from "@tensorflow/tfjs";
import { linearLayer } from "../initialize.ts";
import { mergeHeads, project, splitHeads, windowMask } from "../parts.ts";
import type { ParameterSpec, Weights } from "../types.ts";
import { rotate } from "./rotary.ts";

export interface SoftmaxAttention {
  readonly heads: number;
  /** Key and value heads G; each serves H/G consecutive query heads. */
  readonly kvHeads: number;
  /** Channels of each head that rotary embedding turns; 0 for none. */
  readonly rotary: number;
  readonly rotaryBase?: number;
  /** Tokens before and after its own that a query sees. */
  readonly left: number;
  readonly right: number;
}

export function attentionParameters(
  width: number,
  { heads, kvHeads, bias }: { readonly heads: number; readonly kvHeads: number; readonly bias: boolean },
): Record<string, ParameterSpec> {
  const headWidth = width / heads;
  return {
    ...linearLayer("Wqkv", width, headWidth * (heads + 2 * kvHeads), bias),
    ...linearLayer("out_proj", width, width, bias),
  };
}

/** x [P, B, T, D] -> [P, B, T, D]. */
export function softmaxAttention(weights: Weights, x: tf.Tensor4D, attention: SoftmaxAttention): tf.Tensor4D {
  const { heads, kvHeads, rotary, rotaryBase, left, right } = attention;
  const [members, batch, length, width] = x.shape;
  const headWidth = width / heads;
  const group = heads / kvHeads;

  const all = splitHeads(project(x, weights, "Wqkv"), heads + 2 * kvHeads); // [P, B, H+2G, T, K]
  const [qk, v] = tf.split(all, [heads + kvHeads, kvHeads], 2) as [tf.Tensor5D, tf.Tensor5D];
  const [q, k] = tf.split(rotate(qk, rotary, rotaryBase), [heads, kvHeads], 2) as [tf.Tensor5D, tf.Tensor5D];

  // The query heads that share a key head are laid end to end along T, so keys and values need no copies.
  const grouped: tf.Tensor5D = tf.reshape(tf.mul(q, headWidth ** -0.5), [
    members,
    batch,
    kvHeads,
    group * length,
    headWidth,
  ]);
  const scores = tf.reshape(tf.matMul(grouped, k, false, true), [members, batch, heads, length, length]);
  const hidden = tf.cast(tf.logicalNot(windowMask(length, left, right)), "float32"); // [T, T]
  const p = tf.softmax(tf.add(scores, tf.mul(hidden, -1e9))); // [P, B, H, T, T]
  const y = tf.matMul(tf.reshape(p, [members, batch, kvHeads, group * length, length]), v);
  return project(mergeHeads(tf.reshape(y, [members, batch, heads, length, headWidth])), weights, "out_proj");
}
