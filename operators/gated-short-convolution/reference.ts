// Published gated convolutions of one gate, by system name.
import * as tf from "@tensorflow/tfjs";
import { causalConvolution, circularConvolution } from "../long-convolution.ts";
import { cutTo, extendTo, project, shortConvolution, silu, weight } from "../parts.ts";
import { type ReferenceAdapters, readFlag, readNumber } from "../reference-case.ts";
import type { Weights } from "../types.ts";

export const gatedShortConvolutionReferences: ReferenceAdapters = {
  "based-conv": () => (weights, x) => {
    const [signal, gate] = tf.split(project(x as tf.Tensor4D, weights, "in_proj"), 2, -1) as [tf.Tensor4D, tf.Tensor4D];
    const mixed = silu(shortConvolution(signal, weight(weights, "conv.conv.weight")));
    return { y: project(tf.mul(mixed, gate), weights, "out_proj") };
  },

  /** The gate is a projection of x; a long convolution (kernel_size -1) keeps its input, and so does the whole layer. */
  "zoology-baseconv"(config) {
    const isLong = readNumber(config, "kernel_size") === -1;
    const isImplicit = readFlag(config, "implicit_long_conv", true);
    const convolve = isLong ? (isImplicit ? implicitConvolution : explicitConvolution) : convolution;
    const activation = readFlag(config, "use_act", false) ? silu<tf.Tensor4D> : (part: tf.Tensor4D) => part;
    return (weights, input) => {
      const x = input as tf.Tensor4D;
      const gate = activation(project(x, weights, "projection"));
      return { y: tf.add(tf.mul(activation(convolve(weights, x)), gate), x) };
    };
  },
};

function convolution(weights: Weights, x: tf.Tensor4D): tf.Tensor4D {
  return shortConvolution(x, weight(weights, "conv.conv.weight"), weights["conv.conv.bias"]);
}

/** As published, an FFT of 2T points: taps beyond T wrap around onto later inputs. */
function explicitConvolution(weights: Weights, x: tf.Tensor4D): tf.Tensor4D {
  const filter = weight(weights, "conv.filter") as tf.Tensor3D; // [P, D, L]
  const points = 2 * x.shape[2];
  const circle = filter.shape[2] > points ? cutTo(filter, points) : extendTo(filter, points);
  return tf.add(circularConvolution(circle, x), x);
}

/** The filter is a small network of position features. */
function implicitConvolution(weights: Weights, x: tf.Tensor4D): tf.Tensor4D {
  const [members, , length] = x.shape;
  const positions = weight(weights, "conv.pos_emb.z"); // [P, 1, L, F]
  const [, , longest = 1, channels = 1] = positions.shape;
  const features = tf.slice(positions, 0, [members, 1, Math.min(length, longest), channels]);
  const hidden = tf.relu(project(features, weights, "conv.mlp.0"));
  const taps = tf.squeeze<tf.Tensor3D>(project(hidden, weights, "conv.mlp.2"), [1]); // [P, T, D]
  return tf.add(causalConvolution(extendTo(tf.transpose(taps, [0, 2, 1]), length), x), x);
}
