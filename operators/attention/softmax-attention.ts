// Softmax attention over all tokens or a window of them, with grouped keys and values.
//
// Vaswani et al. 2017, arXiv:1706.03762, eq. 1; grouped heads: Ainslie et al. 2023, arXiv:2305.13245.
// Parameter layout of flash-attention's MHA, which mad-lab uses: `Wqkv` holds H query heads, then G key heads,
// then G value heads, each head-major.
import * as tf from "@tensorflow/tfjs";
import { fusedAttention, hasKernel } from "../fused.ts";
import { linearLayer } from "../initialize.ts";
import { project } from "../parts.ts";
import type { Features, ParameterSpec, Weights } from "../types.ts";
import { composedAttention } from "./composed.ts";
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
  return attentionWithFeatures(weights, x, attention).y;
}

/** The same with its keys, already turned, and values, both [P, B, T, G, K]. */
export function attentionWithFeatures(weights: Weights, x: tf.Tensor4D, attention: SoftmaxAttention) {
  const { heads, kvHeads, rotary, rotaryBase } = attention;
  const [members, batch, length, width] = x.shape;
  const headWidth = width / heads;

  const projected = project(x, weights, "Wqkv");
  const all: tf.Tensor5D = tf.reshape(projected, [members, batch, length, heads + 2 * kvHeads, headWidth]);
  const [qk, v] = tf.split(all, [heads + kvHeads, kvHeads], 3) as [tf.Tensor5D, tf.Tensor5D];
  const [q, k] = tf.split(rotate(qk, rotary, rotaryBase, 2), [heads, kvHeads], 3) as [tf.Tensor5D, tf.Tensor5D];

  return { y: attend(weights, q, k, v, attention), features: [k, v] };
}

/** Parameters of a position that takes keys and values from another; `Wq` is the name in flash-attention's MHA. */
export function queryParameters(width: number, bias: boolean): Record<string, ParameterSpec> {
  return { ...linearLayer("Wq", width, width, bias), ...linearLayer("out_proj", width, width, bias) };
}

/** Attention of x's queries over the features of `attentionWithFeatures`. x [P, B, T, D] -> [P, B, T, D]. */
export function attentionOverFeatures(
  weights: Weights,
  x: tf.Tensor4D,
  features: Features,
  attention: SoftmaxAttention,
): tf.Tensor4D {
  const { heads, rotary, rotaryBase } = attention;
  const [members, batch, length, width] = x.shape;
  const projected: tf.Tensor5D = tf.reshape(project(x, weights, "Wq"), [members, batch, length, heads, width / heads]);
  const q = rotate(projected, rotary, rotaryBase, 2) as tf.Tensor5D;
  const [k, v] = features as readonly [tf.Tensor5D, tf.Tensor5D];
  return attend(weights, q, k, v, attention);
}

/** q [P, B, T, H, K], k and v [P, B, T, G, K] -> [P, B, T, D]. */
function attend(
  weights: Weights,
  q: tf.Tensor5D,
  k: tf.Tensor5D,
  v: tf.Tensor5D,
  { left, right }: SoftmaxAttention,
): tf.Tensor4D {
  const [members, batch, length, heads, headWidth] = q.shape;
  const mix = hasKernel("Attention") ? fusedAttention : composedAttention;
  const y = mix(q, k, v, { scale: headWidth ** -0.5, left, right });
  return project(tf.reshape(y, [members, batch, length, heads * headWidth]), weights, "out_proj");
}
