// Causal linear attention in chunks of T: y_t = sum_{s<=t} a_ts v_s / (sum_{s<=t} a_ts + eps), a_ts = phi(q_t) . phi(k_s).
//
// Katharopoulos et al. 2020, arXiv:2006.16236, eq. 8, in the form of Hua et al. 2022, "Transformer Quality in Linear
// Time", arXiv:2202.10447, section 3.3. Inside a chunk all pairs are compared; what lies before it has been summed to one
// matrix [V + 1, F], whose last row is the normaliser's.
import * as tf from "@tensorflow/tfjs";
import { fusedLinearAttention, hasKernel, widestLinearAttention } from "../fused.ts";
import { causalMask } from "../parts.ts";

export interface Averaging {
  /** a_ts from the dot product of the features, if it is another number. */
  readonly similarity?: ((dot: tf.Tensor4D) => tf.Tensor4D) | undefined;
  /** Factors of a_ts that depend on s [P, B, T, H, 1]. */
  readonly keyWeights?: tf.Tensor5D;
  /** A number, or one for every query [P, B, T, H, 1]. */
  readonly eps: number | tf.Tensor5D;
}

/** Features q and k [P, B, T, H, F], values [P, B, T, H, V] -> [P, B, T, H, V]. */
export function averageOverPast(
  q: tf.Tensor5D,
  k: tf.Tensor5D,
  values: tf.Tensor5D,
  averaging: Averaging,
): tf.Tensor5D {
  const { similarity, keyWeights, eps } = averaging;
  const isNarrow = Math.max(q.shape[4], values.shape[4]) <= widestLinearAttention;
  if (!hasKernel("Attention") || !isNarrow || similarity || typeof eps !== "number") {
    return averageInChunks(q, k, values, averaging);
  }
  return fusedLinearAttention(q, keyWeights ? tf.mul(k, keyWeights) : k, values, eps);
}

function averageInChunks(
  q: tf.Tensor5D,
  k: tf.Tensor5D,
  values: tf.Tensor5D,
  { similarity, keyWeights, eps }: Averaging,
): tf.Tensor5D {
  const [members, batch, length, heads, features] = q.shape;
  const width = values.shape[4];
  const size = similarity ? length : chunkLength(length, features, width);
  const chunks = length / size;
  /** A head's channels along time, [P B n, H, K, C]: products then have few rows instead of few columns. */
  const inChunks = (x: tf.Tensor5D): tf.Tensor4D =>
    tf.transpose(tf.reshape(x, [members * batch * chunks, size, heads, x.shape[4]]), [0, 2, 3, 1]);

  const [queries, keys] = [inChunks(q), inChunks(k)];
  const counted: tf.Tensor4D = tf.concat([inChunks(values), tf.ones([members * batch * chunks, heads, 1, size])], 2);
  const summed: tf.Tensor4D = keyWeights ? tf.mul(counted, inChunks(keyWeights)) : counted; // [P B n, H, V + 1, C]

  const dots: tf.Tensor4D = tf.matMul(queries, keys, true, false); // [P B n, H, C, C]
  const scores = tf.mul(similarity ? similarity(dots) : dots, tf.cast(causalMask(size), "float32"));
  const within: tf.Tensor4D = tf.matMul(summed, scores, false, true);
  const sums = chunks === 1 ? within : tf.add(within, sumsOfEarlier(queries, keys, summed, chunks));

  const [numerator, total] = tf.split(sums, [width, 1], 2) as [tf.Tensor4D, tf.Tensor4D];
  const normaliser = tf.add(total, typeof eps === "number" ? eps : inChunks(eps));
  const average = tf.mul(numerator, tf.reciprocal(normaliser));
  return tf.reshape(tf.transpose(average, [0, 3, 1, 2]), values.shape);
}

/** Each chunk's queries with everything before the chunk: [P B n, H, F, C] and [P B n, H, V + 1, C] -> the latter. */
function sumsOfEarlier(queries: tf.Tensor4D, keys: tf.Tensor4D, summed: tf.Tensor4D, chunks: number): tf.Tensor4D {
  const matrices: tf.Tensor4D = tf.matMul(summed, keys, false, true); // [P B n, H, V + 1, F]
  const rows: tf.Tensor3D = tf.reshape(matrices, [-1, chunks, matrices.size / matrices.shape[0]]);
  const isEarlier = tf.sub(tf.cast(causalMask(chunks), "float32"), tf.eye(chunks));
  const past = tf.matMul(tf.expandDims(isEarlier, 0) as tf.Tensor3D, rows);
  return tf.matMul(tf.reshape(past, matrices.shape), queries);
}

/** The largest divisor of T from 16 to 32, or T itself where comparing all pairs costs less than the chunks' matrices. */
function chunkLength(length: number, features: number, width: number): number {
  const divisors = Array.from({ length: 17 }, (_, i) => 32 - i).filter((size) => size < length && length % size === 0);
  const [size = length] = divisors;
  const saved = (length - size) * (features + width);
  return saved > 2 * features * width ? size : length;
}
