// Feature maps of linear attention: phi(q) . phi(k) takes the place of exp(q . k).
//
// The eight of mad-lab (Poli et al. 2024, arXiv:2403.17844). One map serves all heads.
import * as tf from "@tensorflow/tfjs";
import type { FeatureMapName } from "../../genome/palette/linear-attention.ts";
import { linearLayer, zeros } from "../initialize.ts";
import { project } from "../parts.ts";
import type { ParameterSpec, Weights } from "../types.ts";

/** What linear attention asks of a map phi of queries and keys z [P, B, T, H, K]. */
export interface FeatureMap {
  parameters(keyWidth: number): Record<string, ParameterSpec>;
  /** phi(z) [P, B, T, H, F], or less where `similarity` makes up for it. */
  features(z: tf.Tensor5D, weights: Weights): tf.Tensor5D;
  /** phi(q) . phi(k) from the dot product of the features, if it is another number. */
  readonly similarity?: (dot: tf.Tensor4D) => tf.Tensor4D;
  /** Sum over the entries of phi [P, B, T, H, 1] from the features. */
  total(features: tf.Tensor5D): tf.Tensor5D;
}

export const featureMaps: Readonly<Record<FeatureMapName, FeatureMap>> = {
  /** (W1 z + b1) * (W2 z + b2): signed, so the normaliser can vanish; mad-lab's default. */
  "elementwise-product": explicit(
    (z, weights) => tf.mul(project(z, weights, "layer1"), project(z, weights, "layer2")),
    (k) => ({ ...linearLayer("layer1", k, k, true), ...linearLayer("layer2", k, k, true) }),
  ),

  /** elu(z) + 1 > 0 (Katharopoulos et al. 2020, arXiv:2006.16236, eq. 7). */
  elu: explicit((z) => tf.add(tf.elu(z), 1)),

  relu: explicit((z) => tf.relu(z)),

  /** Second-order expansion of exp(s), s = q . k / sqrt(K): 1 + s + s^2 / 2, at least 1/2 (arXiv:2402.18668, eq. 3). */
  taylor: {
    parameters: () => ({}),
    features: (z) => tf.mul(z, z.shape[4] ** -0.25),
    similarity: (s) => tf.add(tf.mul(tf.add(tf.mul(s, 0.5), 1), s), 1),
    /** Of [1, u, u_i^2 / sqrt(2), u_i u_j for i < j], u = z / K^(1/4); the pairs sum to ((sum u)^2 - sum u^2) / 2. */
    total(u) {
      const [sum, squares] = [sumLast(u), sumLast(tf.square(u))];
      const pairs = tf.mul(tf.sub(tf.square(sum), squares), 0.5);
      return tf.add(tf.add(sum, tf.add(tf.mul(squares, Math.SQRT1_2), pairs)), 1);
    },
  },

  /** softmax([2u, -2u]), u = W z + b (Zhang et al. 2024, arXiv:2402.04347, in mad-lab's form); W starts as the identity. */
  hedgehog: explicit(
    (z, weights) => {
      const u: tf.Tensor5D = tf.mul(project(z, weights, "layer"), 2);
      return tf.softmax(tf.concat([u, tf.neg(u)], -1));
    },
    (k) => ({ "layer.weight": identity(k), "layer.bias": zeros([k]) }),
  ),

  /** relu(W z + b) (Kasai et al. 2021, arXiv:2103.13076). */
  t2r: explicit(
    (z, weights) => tf.relu(project(z, weights, "layer")),
    (k) => linearLayer("layer", k, k, true),
  ),

  /** u = [relu(z), -relu(z)] times itself rolled by 1 to 4; the paper has relu(-z) (Schlag et al. 2021, arXiv:2102.11174). */
  dpfp: explicit((z) => {
    const positive = tf.relu(z);
    const u = tf.concat([positive, tf.neg(positive)], -1); // [P, B, H, T, 2K]
    return tf.concat(
      [1, 2, 3, 4].map((by) => tf.mul(u, rollLast(u, by))),
      -1,
    );
  }),

  identity: explicit((z) => z),
};

/** A map whose features are computed, compared by their dot product and summed as they are. */
function explicit(features: FeatureMap["features"], parameters: FeatureMap["parameters"] = () => ({})): FeatureMap {
  return { parameters, features, total: sumLast };
}

function sumLast(x: tf.Tensor5D): tf.Tensor5D {
  return tf.sum(x, -1, true);
}

/** Shifts the last axis to the right by `by`, cyclically. */
function rollLast(x: tf.Tensor5D, by: number): tf.Tensor5D {
  const width = x.shape[4];
  const shift = by % width;
  if (shift === 0) return x;
  const [head, tail] = tf.split(x, [width - shift, shift], -1) as [tf.Tensor5D, tf.Tensor5D];
  return tf.concat([tail, head], -1);
}

function identity(size: number): ParameterSpec {
  return {
    shape: [size, size],
    initialize: () => Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0)),
  };
}
