// Causal linear attention in its quadratic form:
// y_t = sum_{s<=t} a_ts v_s / (sum_{s<=t} a_ts + eps), a_ts = phi(q_t) . phi(k_s).
//
// Katharopoulos et al. 2020, "Transformers are RNNs", arXiv:2006.16236, eq. 8. At the lengths of the MAD tasks the
// T x T matrix is smaller than the running sums of phi(k) v^T.
import * as tf from "@tensorflow/tfjs";
import { causalMask } from "../parts.ts";

/** similarity [P, B, H, T, T], values [P, B, H, T, V] -> [P, B, H, T, V]. */
export function averageOverPast(similarity: tf.Tensor5D, values: tf.Tensor5D, eps: number): tf.Tensor5D {
  const scores = tf.mul(similarity, tf.cast(causalMask(values.shape[3]), "float32"));
  const normaliser = tf.add(tf.sum(scores, -1, true), eps); // [P, B, H, T, 1]
  return tf.div(tf.matMul(scores, values), normaliser);
}
