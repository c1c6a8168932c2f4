// Hedgehog's linear attention as LoLCATs has it: a trained map per head, for queries and keys apart.
//
// Zhang et al. 2024, "The Hedgehog & the Porcupine", arXiv:2402.04347, eq. 6; module of Zhang et al. 2024,
// "LoLCATs", arXiv:2410.10254. mad-lab's map of that name is in `feature-maps.ts`.
import * as tf from "@tensorflow/tfjs";
import { rotate } from "../attention/rotary.ts";
import { mergeHeads, project, splitHeads, weight, within } from "../parts.ts";
import type { Weights } from "../types.ts";
import { averageOverPast } from "./chunked.ts";

type Activation = (u: tf.Tensor5D, fullSpace: boolean) => tf.Tensor5D;

/** Positive features of u = z W; `fullSpace` adds those of -u. */
export const hedgehogActivations = {
  softmax_dim: bothSigns((u) => tf.softmax(u)),
  exp_dim: bothSigns((u) => tf.exp(tf.sub(u, tf.max(u, -1, true)))),
  pos_elu: (u) => tf.add(tf.elu(u), 1),
  relu: (u) => tf.relu(u),
} satisfies Record<string, Activation>;

export interface Hedgehog {
  readonly heads: number;
  readonly activation: keyof typeof hedgehogActivations;
  readonly fullSpace: boolean;
  /** u = z + z W. */
  readonly skipConnection: boolean;
  /** Rotary positions over the whole head. */
  readonly rotary: boolean;
  readonly eps: number;
}

/** x [P, B, T, D] -> [P, B, T, D]; the keys use the queries' map where they have none of their own. */
export function hedgehogAttention(weights: Weights, x: tf.Tensor4D, options: Hedgehog): tf.Tensor4D {
  const { heads, eps } = options;
  const q = splitHeads(project(x, weights, "q_proj"), heads);
  const k = splitHeads(project(x, weights, "k_proj"), heads); // [P, B, H, T, K]
  const v = splitHeads(project(x, weights, "v_proj"), heads);

  const mapQ = within(weights, "feature_map_q.mlp");
  const ownMapK = within(weights, "feature_map_k.mlp");
  const mapK = Object.keys(ownMapK).length > 0 ? ownMapK : mapQ;
  const [phiQ, phiK] = [features(q, mapQ, options), features(k, mapK, options)];
  const y = averageOverPast(byToken(phiQ), byToken(phiK), byToken(v), { eps });
  return project(mergeHeads(byToken(y)), weights, "o_proj");
}

function features(z: tf.Tensor5D, map: Weights, options: Hedgehog): tf.Tensor5D {
  const placed = options.rotary ? rotate(z, z.shape[4]) : z;
  const mapped = mapPerHead(placed, weight(map, "layer"), map.bias);
  const u: tf.Tensor5D = options.skipConnection ? tf.add(placed, mapped) : mapped;
  return tf.maximum(hedgehogActivations[options.activation](u, options.fullSpace), options.eps);
}

/** z [P, B, H, T, K], layer [P, H, K, F], bias [P, 1, H, 1, 1 or F] -> [P, B, H, T, F]. */
function mapPerHead(z: tf.Tensor5D, layer: tf.Tensor, bias?: tf.Tensor): tf.Tensor5D {
  const [members, batch, heads, length, width] = z.shape;
  const byHead = tf.reshape(tf.transpose(z, [0, 2, 1, 3, 4]), [members, heads, batch * length, width]);
  const mapped: tf.Tensor5D = tf.reshape(tf.matMul(byHead, layer), [members, heads, batch, length, -1]);
  const u = tf.transpose(mapped, [0, 2, 1, 3, 4]);
  return bias ? tf.add(u, bias) : u;
}

/** [P, B, H, T, K] -> [P, B, T, H, K], and back. */
function byToken(x: tf.Tensor5D): tf.Tensor5D {
  return tf.transpose(x, [0, 1, 3, 2, 4]);
}

function bothSigns(activation: (u: tf.Tensor5D) => tf.Tensor5D): Activation {
  return (u, fullSpace) => (fullSpace ? tf.concat([activation(u), activation(tf.neg(u))], -1) : activation(u));
}
