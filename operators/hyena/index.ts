// Hyena of order 2: y = W_out (x0 * (h conv (x1 * v) + skip x1 v)), with (x0, x1, v) from a short convolution of W x.
//
// Poli et al. 2023, arXiv:2302.10866, in the form of mad-lab (Poli et al. 2024, arXiv:2403.17844): inner channels
// I = innerFactor D, of which the projection makes 3I / projectionGroups; they are repeated to fill x0, x1 and v.
import * as tf from "@tensorflow/tfjs";
import type { HyenaOptions } from "../../genome/palette/hyena.ts";
import { hyenaFeatures } from "../../genome/palette/hyena.ts";
import { fusedShortConvolution, hasKernel } from "../fused.ts";
import { implicitFilter, implicitFilterParameters } from "../implicit-filter.ts";
import { depthwiseLayer, linearLayer, normal } from "../initialize.ts";
import { causalConvolution, withSkip } from "../long-convolution.ts";
import { perMember, project, shiftRight, weight, within } from "../parts.ts";
import type { Operator, Weights } from "../types.ts";

export const hyena: Operator<HyenaOptions> = {
  parameters({ filterOrder, innerFactor, projectionGroups, shortFilter }, { width, length }) {
    const inner = innerFactor * width;
    const filter = { channels: inner, order: filterOrder, features: hyenaFeatures, length };
    return {
      ...linearLayer("in_proj", width, (3 * inner) / projectionGroups, true),
      ...depthwiseLayer("short_filter", 3 * inner, shortFilter),
      "long_conv.bias": normal([inner]),
      ...implicitFilterParameters("long_conv.filter", filter),
      ...linearLayer("out_proj", inner, width, true),
    };
  },

  apply(weights, x) {
    const filter = implicitFilter(within(weights, "long_conv.filter"), x.shape[2]);
    return project(gatedConvolution(weights, x, filter), weights, "out_proj");
  },
};

/** x0 * (filter conv (x1 * v) + skip x1 v), before the output projection. filter [P, I, T], x [P, B, T, D] -> [P, B, T, I]. */
export function gatedConvolution(weights: Weights, x: tf.Tensor4D, filter: tf.Tensor3D): tf.Tensor4D {
  const [x0, x1, v] = tf.split(projections(weights, x), 3, -1) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  return tf.mul(x0, causalConvolution(withSkip(filter, weight(weights, "long_conv.bias")), tf.mul(x1, v)));
}

/**
 * The short convolution of the projection repeated G times along the channels: x [P, B, T, D] -> [P, B, T, 3I].
 * The repeats differ in their filters only, so the projection broadcasts against them and is never copied.
 */
export function projections(weights: Weights, x: tf.Tensor4D): tf.Tensor4D {
  const u = project(x, weights, "in_proj");
  const [members, batch, length, projected] = u.shape;
  const filters = weight(weights, "short_filter.weight"); // [P, 3I, 1, K]
  const bias = weight(weights, "short_filter.bias");
  if (hasKernel("ShortConvolution")) return fusedShortConvolution(u, filters, bias);
  const [, channels = 0, , taps = 1] = filters.shape;
  const groups = channels / projected;

  const byTap = tf.unstack(tf.reshape(filters, [members, 1, 1, groups, projected, taps]), -1);
  const terms = byTap.map((tap, k): tf.Tensor5D => {
    const past: tf.Tensor5D = tf.reshape(shiftRight(u, taps - 1 - k), [members, batch, length, 1, projected]);
    return tf.mul(past, tap);
  });
  const sum: tf.Tensor4D = tf.reshape(
    terms.reduce((sum, term) => tf.add(sum, term)),
    [members, batch, length, channels],
  );
  return tf.add(sum, perMember(bias, 4));
}
