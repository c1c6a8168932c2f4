// Block-diagonal and Monarch matrices: structured linear maps of the last axis.
//
// Dao et al. 2022, "Monarch", arXiv:2204.00595, section 3; layouts of the published repositories.
import * as tf from "@tensorflow/tfjs";
import { extendTo } from "../parts.ts";

/** Block g of y is weight[g] times block g of x. weight [P, G, O, I], x [P, ..., <= G*I], missing inputs zero -> [P, ..., G*O]. */
export function blockDiagonal(x: tf.Tensor, weight: tf.Tensor): tf.Tensor {
  const [members = 1, blocks = 1, outputs = 1, inputs = 1] = weight.shape;
  const rows: tf.Tensor4D = tf.reshape(extendTo(x, blocks * inputs), [members, -1, blocks, inputs]);
  const y = tf.matMul(tf.transpose(rows, [0, 2, 1, 3]), weight, false, true); // [P, G, R, O]
  return tf.reshape(tf.transpose(y, [0, 2, 1, 3]), [...x.shape.slice(0, -1), blocks * outputs]);
}

/** Entry (a, b) of the last axis goes to (b, a); a counts `outer` entries. */
export function interchange(x: tf.Tensor, outer: number): tf.Tensor {
  const rows: tf.Tensor3D = tf.reshape(x, [-1, outer, (x.shape.at(-1) ?? 0) / outer]);
  return tf.reshape(tf.transpose(rows, [0, 2, 1]), x.shape);
}

/**
 * Block-diagonal, permutation, block-diagonal, permutation: the first map's output is read as (r, l), mixed over r for
 * every l, and laid out as (s, l). first [P, K, Q, I], second [P, L, S, R] with K Q = R L; x [P, ..., K*I] -> [P, ..., S*L].
 */
export function monarch(x: tf.Tensor, first: tf.Tensor, second: tf.Tensor): tf.Tensor {
  const [, blocks = 1, , inner = 1] = second.shape;
  return interchange(blockDiagonal(interchange(blockDiagonal(x, first), inner), second), blocks);
}
