// Published Monarch Mixer layers and Monarch matrices, by system name.
import * as tf from "@tensorflow/tfjs";
import { cutTo, extendTo, gelu, layerNorm, perMember, weight } from "../parts.ts";
import { type ReferenceAdapters, readFlag, readNumber } from "../reference-case.ts";
import { blockDiagonal, interchange, monarch } from "./monarch.ts";
import { sequenceMixer } from "./sequence-mixer.ts";

export const monarchMixerReferences: ReferenceAdapters = {
  "monarch-mixer-sequence"(config) {
    const mixer = {
      bidirectional: readFlag(config, "bidirectional", false),
      residual: readFlag(config, "residual_long_conv", false),
      frequencyScale: readNumber(config, "w_mod", 1),
      normalise: readFlag(config, "hyena_training_additions", false),
    };
    return (weights, x) => ({ y: sequenceMixer(weights, x as tf.Tensor4D, mixer) });
  },

  /** Channel mixer with block-diagonal maps; residual and LayerNorm are part of it. */
  "monarch-mixer-mlp"(config) {
    const gated = readFlag(config, "gated", true);
    const eps = readNumber(config, "layer_norm_eps", 1e-12);
    return (weights, x) => {
      const z = blockDiagonal(x, weight(weights, "gated_layers.weight"));
      const hidden = gated ? gateHalves(z) : gelu(z);
      const y = finish(blockDiagonal(hidden, weight(weights, "wo.weight")), x.shape.at(-1) ?? 0, weights["wo.bias"]);
      return {
        y: layerNorm(tf.add(y, x), weight(weights, "layernorm.weight"), weight(weights, "layernorm.bias"), eps),
      };
    };
  },

  "blockdiag-linear"(config) {
    const outputs = readNumber(config, "out_features");
    const shuffle = readFlag(config, "shuffle", false);
    return (weights, x) => {
      const [, blocks = 1, , inputs = 1] = weight(weights, "weight").shape;
      const full = extendTo(x, blocks * inputs);
      return {
        y: finish(
          blockDiagonal(shuffle ? interchange(full, blocks) : full, weight(weights, "weight")),
          outputs,
          weights.bias,
        ),
      };
    };
  },

  "monarch-linear"(config) {
    const outputs = readNumber(config, "out_features");
    return (weights, x) => {
      const y = monarch(x, weight(weights, "blkdiag1"), weight(weights, "blkdiag2"));
      return { y: finish(y, outputs, weights.bias) };
    };
  },

  "monarch-multiply": () => (weights, x) => ({
    y: monarch(x, weight(weights, "w1_bfly"), weight(weights, "w2_bfly")),
  }),
};

function gateHalves(z: tf.Tensor): tf.Tensor {
  const [value, gate] = tf.split(z, 2, -1) as [tf.Tensor, tf.Tensor];
  return tf.mul(gelu(value), gate);
}

/** Drops the outputs that padding added, and adds the bias. */
function finish(y: tf.Tensor, outputs: number, bias: tf.Tensor | undefined): tf.Tensor {
  const kept = cutTo(y, outputs);
  return bias ? tf.add(kept, perMember(bias, kept.rank)) : kept;
}
