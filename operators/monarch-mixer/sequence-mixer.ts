// Monarch Mixer's sequence mixer: y = W_out (x2 * (h conv (v * x1) + skip v x1) [+ h' conv x + skip' x]), with (x1, x2, v)
// from a short causal convolution of W x. The published code evaluates the long convolutions by Monarch matrices, which
// multiply like an FFT; here they are the same function as products with Toeplitz blocks.
//
// Fu et al. 2023, "Monarch Mixer", arXiv:2310.12109, section 4.1; parameter names of its repository.
import * as tf from "@tensorflow/tfjs";
import { implicitFilter } from "../implicit-filter.ts";
import { causalConvolution, twoSidedConvolution, withSkip } from "../long-convolution.ts";
import { layerNorm, project, shortConvolution, weight, within } from "../parts.ts";
import type { Weights } from "../types.ts";

export interface SequenceMixer {
  /** A second filter per channel runs back from the next token on. */
  readonly bidirectional: boolean;
  /** Adds a long convolution of the layer's input, with its own filter. */
  readonly residual: boolean;
  /** Factor on the filters' frequencies. */
  readonly frequencyScale: number;
  /** A LayerNorm before everything. */
  readonly normalise: boolean;
}

/** x [P, B, T, D] -> [P, B, T, D]. */
export function sequenceMixer(weights: Weights, x: tf.Tensor4D, mixer: SequenceMixer): tf.Tensor4D {
  const norm = within(weights, "layernorm");
  const input = mixer.normalise ? layerNorm(x, weight(norm, "weight"), weight(norm, "bias")) : x;
  const short = within(weights, "short_filter");
  const u = shortConvolution(project(input, weights, "in_linear"), weight(short, "weight"), weight(short, "bias"));
  const [x1, x2, v] = tf.split(u, 3, -1) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];

  const gated: tf.Tensor4D = tf.mul(x2, longConvolution(within(weights, "filter_fn"), tf.mul(v, x1), mixer));
  if (!mixer.residual) return project(gated, weights, "out_linear");
  const residual = longConvolution(within(weights, "filter_fn2"), input, mixer);
  return project(tf.add(gated, residual), weights, "out_linear");
}

function longConvolution(filter: Weights, x: tf.Tensor4D, mixer: SequenceMixer): tf.Tensor4D {
  const { bidirectional, frequencyScale } = mixer;
  const length = x.shape[2];
  const ahead = withSkip(implicitFilter(filter, length, { frequencyScale }), weight(filter, "bias"));
  if (!bidirectional) return causalConvolution(ahead, x);
  const back = implicitFilter(filter, length, { frequencyScale, network: "implicit_filter_rev" });
  return twoSidedConvolution(ahead, back, x);
}
