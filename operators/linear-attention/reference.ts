// Published linear attentions, by system name.
import type * as tf from "@tensorflow/tfjs";
import type { FeatureMapName } from "../../genome/palette/linear-attention.ts";
import { type ReferenceAdapter, type ReferenceAdapters, readChoice, readFlag, readNumber } from "../reference-case.ts";
import { featureMaps } from "./feature-maps.ts";
import { type hedgehogActivations, hedgehogAttention } from "./hedgehog.ts";
import { attendLinearly } from "./index.ts";

const mapNames = Object.keys(featureMaps) as FeatureMapName[];

/** mad-lab's, whose map names are ours with underscores; `tie_feature_map_qk` shows in the weights. */
const madLab: ReferenceAdapter = (config) => {
  const published = String(config.feature_map).replaceAll("_", "-");
  const attention = {
    heads: readNumber(config, "num_heads"),
    featureMap: readChoice({ feature_map: published }, "feature_map", mapNames),
    normalizeQ: readFlag(config, "norm_q", false),
    normalizeK: readFlag(config, "norm_k", false),
    eps: readNumber(config, "eps", 1e-12),
  };
  return (weights, x) => ({ y: attendLinearly(weights, x as tf.Tensor4D, attention) });
};

export const linearAttentionReferences: ReferenceAdapters = {
  ...Object.fromEntries(mapNames.map((name) => [`linear-attention-${name}`, madLab])),

  /** The full outer product of Based has the same dot product as the distinct products of `taylor`. */
  "based-linear-attention": (config) => {
    const attention = {
      heads: readNumber(config, "num_heads"),
      featureMap: "taylor" as const,
      normalizeQ: false,
      normalizeK: false,
      eps: readNumber(config, "eps", 1e-12),
    };
    return (weights, x) => ({ y: attendLinearly(weights, x as tf.Tensor4D, attention) });
  },

  hedgehog: (config) => {
    const names: (keyof typeof hedgehogActivations)[] = ["softmax_dim", "exp_dim", "pos_elu", "relu"];
    const attention = {
      heads: readNumber(config, "num_heads"),
      activation: readChoice(config, "activation", names),
      fullSpace: readFlag(config, "fullspace", true),
      skipConnection: readFlag(config, "skip_connection", false),
      rotary: readFlag(config, "rotary", false),
      eps: readNumber(config, "eps", 1e-12),
    };
    return (weights, x) => ({ y: hedgehogAttention(weights, x as tf.Tensor4D, attention) });
  },
};
