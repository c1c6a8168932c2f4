// Linear attention: softmax replaced by a product of feature maps.
//
// Katharopoulos et al. 2020, "Transformers are RNNs", arXiv:2006.16236; module and defaults of mad-lab (Poli et al. 2024,
// arXiv:2403.17844). With the map `taylor` and a narrow `featureDim` it is the linear attention of Based (Arora et al.
// 2024, arXiv:2402.18668).
import * as tf from "@tensorflow/tfjs";
import type { FeatureMapName, LinearAttentionOptions } from "../../genome/palette/linear-attention.ts";
import { linearLayer } from "../initialize.ts";
import { project, within } from "../parts.ts";
import type { Operator, ParameterSpec, Weights } from "../types.ts";
import { averageOverPast } from "./chunked.ts";
import { featureMaps } from "./feature-maps.ts";

/** Added to the normaliser, which signed maps can bring near zero. */
const publishedEps = 1e-12;

export const linearAttention: Operator<LinearAttentionOptions> = {
  parameters({ heads, featureMap, featureDim }, { width }) {
    const keyWidth = featureDim || width / heads;
    const map = featureMaps[featureMap].parameters(keyWidth);
    return {
      ...named("feature_map_q", map),
      ...named("feature_map_k", map),
      ...linearLayer("proj_q", width, heads * keyWidth),
      ...linearLayer("proj_k", width, heads * keyWidth),
      ...linearLayer("proj_v", width, width),
      ...linearLayer("out_proj", width, width),
    };
  },

  apply: (weights, x, { heads, featureMap }) =>
    attendLinearly(weights, x, { heads, featureMap, normalizeQ: false, normalizeK: false }),
};

export interface LinearAttention {
  readonly heads: number;
  readonly featureMap: FeatureMapName;
  /** Features divided by their sum + 1e-4. */
  readonly normalizeQ: boolean;
  readonly normalizeK: boolean;
  readonly eps?: number;
}

/**
 * x [P, B, T, D] -> [P, B, T, D]; widths of keys and values follow from the weights.
 * Without a `feature_map_k` the keys use the map of the queries.
 */
export function attendLinearly(weights: Weights, x: tf.Tensor4D, options: LinearAttention): tf.Tensor4D {
  const { heads, featureMap, normalizeQ, normalizeK, eps = publishedEps } = options;
  const map = featureMaps[featureMap];
  const mapQ = within(weights, "feature_map_q");
  const ownMapK = within(weights, "feature_map_k");
  const mapK = Object.keys(ownMapK).length > 0 ? ownMapK : mapQ;

  const byHead = (y: tf.Tensor4D): tf.Tensor5D => tf.reshape(y, [...x.shape.slice(0, 3), heads, -1] as never);
  const q = map.features(byHead(project(x, weights, "proj_q")), mapQ); // [P, B, T, H, F]
  const k = map.features(byHead(project(x, weights, "proj_k")), mapK);
  const v = byHead(project(x, weights, "proj_v")); // [P, B, T, H, V]

  const y = averageOverPast(q, k, v, {
    similarity: map.similarity,
    ...(normalizeK ? { keyWeights: tf.reciprocal(tf.add(map.total(k), 1e-4)) } : {}),
    eps: normalizeQ ? tf.mul(tf.add(map.total(q), 1e-4), eps) : eps,
  });
  return project(tf.reshape(y, [...x.shape.slice(0, 3), -1] as never), weights, "out_proj");
}

function named(module: string, parameters: Record<string, ParameterSpec>): Record<string, ParameterSpec> {
  return Object.fromEntries(Object.entries(parameters).map(([name, spec]) => [`${module}.${name}`, spec]));
}
