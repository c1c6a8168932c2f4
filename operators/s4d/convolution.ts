// The state space layer before its output map: every channel convolved with its kernel, plus a skip.
//
// Parameter names and layouts of the S4 repository (Gu et al. 2022, arXiv:2111.00396 and arXiv:2206.11893).
import * as tf from "@tensorflow/tfjs";
import { fromPairs, map, times } from "../complex.ts";
import { causalConvolution, twoSidedConvolution, withSkip } from "../long-convolution.ts";
import { gelu, project, weight, within } from "../parts.ts";
import type { Weights } from "../types.ts";
import { convolutionKernel, type DiagonalSystem, type Discretisation } from "./kernel.ts";

export interface StateSpace {
  readonly discretisation: Discretisation;
  /** A second kernel per channel runs back from the next token on. */
  readonly bidirectional: boolean;
}

/** A = -exp(A_real) - i A_imag, dt = exp(inv_dt). S copies of A and B serve D channels: channel d has copy d mod S. */
export function readSystem(weights: Weights): DiagonalSystem {
  const step = tf.exp(weight(weights, "inv_dt")); // [P, D, 1]
  const channels = step.shape[1] ?? 1;
  const forChannels = (x: tf.Tensor) => repeatTo(x, channels); // [P, S, N] -> [P, D, N]
  const a = {
    re: forChannels(tf.neg(tf.exp(weight(weights, "A_real")))),
    im: forChannels(tf.neg(weight(weights, "A_imag"))),
  };
  const b = fromPairs(tf.squeeze(weight(weights, "B"), [1]));
  const c = fromPairs(weight(weights, "C")); // [P, O, D, N]
  const perOutput = map(b, (part) => tf.expandDims(forChannels(part), 1));
  return { step, a, cb: times(c, perOutput) };
}

/**
 * x [P, B, T, D] -> y [P, B, T, O * D], outputs outermost, and the kernels [P, O, D, T] (twice as many where
 * bidirectional: all forward ones first).
 */
export function stateSpace(
  weights: Weights,
  x: tf.Tensor4D,
  { discretisation, bidirectional }: StateSpace,
): { readonly y: tf.Tensor4D; readonly kernel: tf.Tensor4D } {
  const [members, , length, width] = x.shape;
  const skip = weight(weights, "D"); // [P, O, D]
  const outputs = skip.shape[1] ?? 1;
  const kernel = convolutionKernel(readSystem(within(weights, "kernel")), length, discretisation);

  const filters = (bidirectional ? tf.split(kernel, 2, 1) : [kernel]).map(
    (part): tf.Tensor3D => tf.reshape(part, [members, outputs * width, length]),
  );
  const [ahead, back] = filters as [tf.Tensor3D, tf.Tensor3D?];
  const forward = withSkip(ahead, tf.reshape(skip, [members, outputs * width]));
  const inputs = outputs === 1 ? x : tf.tile(x, [1, 1, 1, outputs]);
  return { y: back ? twoSidedConvolution(forward, back, inputs) : causalConvolution(forward, inputs), kernel };
}

/** The output map: GELU, a linear map to 2D channels, and the first half gated by the second. */
export function gatedOutput(weights: Weights, y: tf.Tensor4D): tf.Tensor4D {
  const [value, gate] = tf.split(project(gelu(y), weights, "output_linear.0"), 2, -1) as [tf.Tensor4D, tf.Tensor4D];
  return tf.mul(value, tf.sigmoid(gate));
}

function repeatTo(x: tf.Tensor, channels: number): tf.Tensor {
  const repeats = channels / (x.shape[1] ?? 1);
  return repeats === 1 ? x : tf.tile(x, [1, repeats, 1]);
}
