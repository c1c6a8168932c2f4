// The published norms and activation functions, by the names they have in the reference records.
import * as tf from "@tensorflow/tfjs";
import { gelu, geluTanh, groupNorm, layerNorm, rmsNorm, silu, weight } from "./parts.ts";
import { type ReferenceAdapters, readNumber } from "./reference-case.ts";

export const normReferences: ReferenceAdapters = {
  rmsnorm: (config) => {
    const eps = readNumber(config, "eps", 1e-5);
    return (weights, x) => ({ y: rmsNorm(x, weight(weights, "weight"), eps) });
  },
  layernorm: (config) => {
    const eps = readNumber(config, "eps", 1e-5);
    return (weights, x) => ({ y: layerNorm(x, weight(weights, "weight"), weight(weights, "bias"), eps) });
  },
  groupnorm: (config) => {
    const eps = readNumber(config, "eps", 1e-5);
    const groups = readNumber(config, "groups");
    return (weights, x) => ({ y: groupNorm(x, weight(weights, "weight"), weight(weights, "bias"), groups, eps) });
  },
};

/** Elementwise. */
export const activations: Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>> = {
  gelu_tanh: geluTanh,
  gelu_erf: gelu,
  silu,
  softplus: tf.softplus,
  elu_plus1: (x) => tf.add(tf.elu(x), 1),
  logsigmoid: tf.logSigmoid,
  sigmoid: tf.sigmoid,
  tanh: tf.tanh,
  relu: tf.relu,
  relu_squared: (x) => tf.square(tf.relu(x)),
};
