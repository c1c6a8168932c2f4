// Long convolution along T as products with blocks of the filter's Toeplitz matrix.
//
// The filter is cut into blocks of m taps. One m x m Toeplitz matrix holds a block and the one before it, and block i
// of y is the sum over k of x's block i - k times matrix k. That takes T m numbers per channel instead of T^2, half of
// the full matrix product, trains (tfjs has no gradient for an FFT), and is plain matrix multiplication everywhere.
// Matrices are cut out of rows that repeat with period 2m: reshaped to rows one shorter, each starts one step later.
import * as tf from "@tensorflow/tfjs";
import { fusedCausalConvolution, hasKernel } from "./fused.ts";
import { cutTo, extendTo, padAxis, shiftRight } from "./parts.ts";

/** y_t = sum over s <= t of filter_{t-s} x_s. filter [P, C, T], x [P, B, T, C] -> [P, B, T, C]. */
export function causalConvolution(filter: tf.Tensor3D, x: tf.Tensor4D): tf.Tensor4D {
  const convolve = hasKernel("CausalConvolution") ? fusedCausalConvolution : composedCausalConvolution;
  return convolve(filter, x);
}

/** `fusedCausalConvolution` in tfjs's operations. */
function composedCausalConvolution(filter: tf.Tensor3D, x: tf.Tensor4D): tf.Tensor4D {
  const [members, batch, length, channels] = x.shape;
  const systems = members * channels;
  const count = Math.ceil(length / blockTaps(length));
  const taps = Math.ceil(length / count);

  const matrices = toeplitzBlocks(extendTo(tf.reshape(filter, [systems, length]), count * taps), count);
  const rows: tf.Tensor3D = tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [systems, batch, length]);
  const blocks: tf.Tensor4D = tf.reshape(extendTo(rows, count * taps), [systems, batch, count, taps]);

  const delayed = matrices.map((matrix, delay) => {
    const reached = count - delay; // blocks of x that are still inside the sequence after this delay
    const past = delay === 0 ? blocks : tf.slice(blocks, [0, 0, 0, 0], [systems, batch, reached, taps]);
    const product = tf.matMul(tf.reshape(past, [systems, batch * reached, taps]), matrix);
    const here: tf.Tensor4D = tf.reshape(product, [systems, batch, reached, taps]);
    return padAxis(here, 2, delay, 0);
  });
  const y = delayed.reduce((sum, term) => tf.add(sum, term));
  const whole: tf.Tensor4D = tf.reshape(y, [members, channels, batch, count * taps]);
  return tf.transpose(cutTo(whole, length), [0, 2, 3, 1]);
}

/**
 * y_t = sum_j ahead_j x_{t-j} + sum_j back_j x_{t+1+j}: the present counts in the first sum only.
 * ahead and back [P, C, T], x [P, B, T, C] -> [P, B, T, C].
 */
export function twoSidedConvolution(ahead: tf.Tensor3D, back: tf.Tensor3D, x: tf.Tensor4D): tf.Tensor4D {
  return circularConvolution(tf.concat([ahead, tf.reverse(back, 2)], 2), x);
}

/**
 * y_t = sum over s of filter_{(t-s) mod 2T} x_s, as an FFT of 2T points gives it: taps from T on act on later inputs.
 * filter [P, C, 2T], x [P, B, T, C] -> [P, B, T, C]. Holds one T x T matrix per channel.
 */
export function circularConvolution(filter: tf.Tensor3D, x: tf.Tensor4D): tf.Tensor4D {
  const [members, batch, length, channels] = x.shape;
  const systems = members * channels;
  const matrices = toeplitz(tf.reshape(filter, [systems, 1, 2 * length]));
  const rows = tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [systems, batch, length]);
  const y = tf.matMul(rows, tf.reshape(matrices, [systems, length, length]));
  return tf.transpose(tf.reshape(y, [members, channels, batch, length]), [0, 2, 3, 1]);
}

/** The filter of conv(x) + skip x: the skip joins the first tap. filter [P, C, T], skip [P, C]. */
export function withSkip(filter: tf.Tensor3D, skip: tf.Tensor): tf.Tensor3D {
  const [members, channels, length] = filter.shape;
  const first: tf.Tensor3D = tf.reshape(skip, [members, channels, 1]);
  return tf.add(filter, extendTo(first, length));
}

/** Taps per block: forward and backward on onnxruntime's CPU provider, 0.4 to 0.7 of the time of one block from T = 128 on. */
function blockTaps(length: number): number {
  if (length <= 64) return 16;
  return length <= 256 ? 32 : 64;
}

/** filter [S, count * m] -> count matrices [S, m, m]; entry [s, t] of matrix k is tap k m + t - s. */
function toeplitzBlocks(filter: tf.Tensor2D, count: number): tf.Tensor3D[] {
  const [systems, length] = filter.shape;
  const taps = length / count;
  const blocks: tf.Tensor3D = tf.reshape(filter, [systems, count, taps]);
  return tf.unstack(toeplitz(tf.concat([blocks, shiftRight(blocks, 1)], 2)), 1) as tf.Tensor3D[];
}

/** circle [S, n, 2m] -> [S, n, m, m] with entry [s, t] = circle[(t - s) mod 2m]. */
function toeplitz(circle: tf.Tensor3D): tf.Tensor4D {
  const [systems, count, period] = circle.shape;
  const taps = period / 2;
  const row: tf.Tensor4D = tf.reshape(circle, [systems, count, 1, period]);
  const rows = tf.broadcastTo<tf.Rank.R4>(row, [systems, count, taps, period]);
  const line: tf.Tensor3D = tf.reshape(rows, [systems, count, taps * period]);
  const shifted = tf.slice(line, [0, 0, 0], [systems, count, taps * (period - 1)]);
  return cutTo(tf.reshape(shifted, [systems, count, taps, period - 1]), taps);
}
