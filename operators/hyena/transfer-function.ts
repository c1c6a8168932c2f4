// The transfer-function filter (RTF): taps are the impulse response of b(z) / a(z), wrapped at the longest length.
//
// Parnichkun et al. 2024, "State-Free Inference of State-Space Models", arXiv:2405.06147, section 3.2; mad-lab's copy.
// The polynomials are evaluated at the M-th roots of unity and transformed back by two small products with cosines and
// sines, in place of an FFT.
import * as tf from "@tensorflow/tfjs";
import { type Complex, over } from "../complex.ts";
import { weight } from "../parts.ts";
import type { Weights } from "../types.ts";

/**
 * `ab` [P, A + D, N]: coefficients of z^-1 ... z^-N, first those of A denominators (shared by D / A channels each), then
 * those of D numerators. Returns the first T of `longest` taps without the direct term h_0, [P, D, T].
 */
export function transferFunctionFilter(weights: Weights, longest: number, length: number): tf.Tensor3D {
  const ab = weight(weights, "ab");
  const [members = 1, rows = 1, order = 1] = ab.shape;
  const channels = weight(weights, "h_0").shape[1] ?? 1;
  const denominators = rows - channels;
  const points = longest + (longest % 2);
  const bins = points / 2 + 1;

  const there = angles(order, 1, bins, points); // [N, bins]
  const values: Complex = { re: tf.matMul(ab, tf.cos(there)), im: tf.neg(tf.matMul(ab, tf.sin(there))) };
  const [a, b] = [part(values, 0, denominators), part(values, denominators, channels)];
  const perChannel = (x: tf.Tensor) => repeatRows(x, channels / denominators);
  const response = over(b, { re: perChannel(tf.add(a.re, 1)), im: perChannel(a.im) }); // [P, D, bins]

  // The other half of the circle mirrors this one, so every bin but the first and the last counts twice.
  const count = tf.tensor1d(Array.from({ length: bins }, (_, bin) => (bin === 0 || bin === bins - 1 ? 1 : 2) / points));
  const back = angles(bins, 0, length, points); // [bins, T]
  const taps = tf.sub(
    tf.matMul(tf.mul(response.re, count), tf.cos(back)),
    tf.matMul(tf.mul(response.im, count), tf.sin(back)),
  );
  return tf.reshape(taps, [members, channels, length]);
}

/** 2 pi r c / points for rows r = first, first + 1, ... and columns c = 0, 1, ...; whole turns are left out. */
function angles(rows: number, first: number, columns: number, points: number): tf.Tensor2D {
  const row: tf.Tensor2D = tf.reshape(tf.range(first, first + rows, 1, "float32"), [rows, 1]);
  const turns: tf.Tensor2D = tf.mod(tf.mul(row, tf.range(0, columns, 1, "float32")), points);
  return tf.mul(turns, (2 * Math.PI) / points);
}

function part({ re, im }: Complex, first: number, rows: number): Complex {
  const taken = (x: tf.Tensor) => tf.slice(x, [0, first, 0], [x.shape[0] ?? 1, rows, x.shape[2] ?? 1]);
  return { re: taken(re), im: taken(im) };
}

/** Every row of [P, A, K] `times` times in a row: [P, A * times, K]. */
function repeatRows(x: tf.Tensor, times: number): tf.Tensor {
  const [members = 1, rows = 1, columns = 1] = x.shape;
  if (times === 1) return x;
  return tf.reshape(tf.tile(tf.reshape(x, [members, rows, 1, columns]), [1, 1, times, 1]), [
    members,
    rows * times,
    columns,
  ]);
}
