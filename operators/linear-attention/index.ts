// Linear attention: softmax replaced by a product of feature maps.
//
// Katharopoulos et al. 2020, "Transformers are RNNs", arXiv:2006.16236; module and defaults of mad-lab (Poli et al. 2024,
// arXiv:2403.17844). With the map `taylor` and a narrow `featureDim` it is the linear attention of Based (Arora et al.
// 2024, arXiv:2402.18668).
import * as tf from "@tensorflow/tfjs";
import type { FeatureMapName, LinearAttentionOptions } from "../../genome/palette/linear-attention.ts";
import { linearLayer } from "../initialize.ts";
import { mergeHeads, project, splitHeads, within } from "../parts.ts";
import type { Operator, ParameterSpec, Weights } from "../types.ts";
import { featureMaps } from "./feature-maps.ts";
import { averageOverPast } from "./quadratic.ts";

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

  const q = map.features(splitHeads(project(x, weights, "proj_q"), heads), mapQ);
  const k = map.features(splitHeads(project(x, weights, "proj_k"), heads), mapK); // [P, B, H, T, F]
  const v = splitHeads(project(x, weights, "proj_v"), heads); // [P, B, H, T, V]

  let similarity = map.similarity(q, k); // [P, B, H, T, T]
  if (normalizeQ) similarity = tf.div(similarity, tf.add(map.total(q), 1e-4));
  if (normalizeK) similarity = tf.div(similarity, tf.transpose(tf.add(map.total(k), 1e-4), [0, 1, 2, 4, 3]));
  return project(mergeHeads(averageOverPast(similarity, v, eps)), weights, "out_proj");
}

function named(module: string, parameters: Record<string, ParameterSpec>): Record<string, ParameterSpec> {
  return Object.fromEntries(Object.entries(parameters).map(([name, spec]) => [`${module}.${name}`, spec]));
}
