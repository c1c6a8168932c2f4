// Gated short convolution: (B, C, v) = W_in x, y = W_out (C * conv(B * v)), without biases or activation.
//
// Liquid AI 2025, "LFM2 Technical Report", arXiv:2511.23404, section 2; STAR's GConv-1.
import * as tf from "@tensorflow/tfjs";
import type { GatedShortConvolutionOptions } from "../../genome/palette/gated-short-convolution.ts";
import { depthwiseLayer, linearLayer } from "../initialize.ts";
import { project, shortConvolution, weight } from "../parts.ts";
import type { Operator, Weights } from "../types.ts";

export const gatedShortConvolution: Operator<GatedShortConvolutionOptions> = {
  parameters: ({ kernel }, { width }) => ({
    ...linearLayer("in_proj", width, 3 * width),
    ...depthwiseLayer("conv", width, kernel, false),
    ...linearLayer("out_proj", width, width),
  }),

  apply: (weights, x) => withGates(weights, x).y,

  /** The gates B and C are shared; a position that takes them has an `in_proj` for its value only. */
  sharing: {
    parameters: ({ kernel }, { width }) => ({
      ...linearLayer("in_proj", width, width),
      ...depthwiseLayer("conv", width, kernel, false),
      ...linearLayer("out_proj", width, width),
    }),
    give: (weights, x) => withGates(weights, x),
    take(weights, x, features) {
      const [b, c] = features as readonly [tf.Tensor4D, tf.Tensor4D];
      return convolve(weights, b, c, project(x, weights, "in_proj"));
    },
  },
};

function withGates(weights: Weights, x: tf.Tensor4D) {
  const [b, c, v] = tf.split(project(x, weights, "in_proj"), 3, -1) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  return { y: convolve(weights, b, c, v), features: [b, c] };
}

/** All [P, B, T, D]. */
function convolve(weights: Weights, b: tf.Tensor4D, c: tf.Tensor4D, v: tf.Tensor4D): tf.Tensor4D {
  const mixed = shortConvolution(tf.mul(b, v), weight(weights, "conv.weight"));
  return project(tf.mul(c, mixed), weights, "out_proj");
}
