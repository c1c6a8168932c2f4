import * as tf from "@tensorflow/tfjs";

/** Largest absolute difference between two tensors, or of one that broadcasts to the other. */
export function distance(a: tf.Tensor, b: tf.Tensor): number {
  return tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] ?? Number.NaN);
}
