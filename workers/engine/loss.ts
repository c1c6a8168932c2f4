import * as tf from "@tensorflow/tfjs";

/** A target that is not scored. */
export const ignoredTarget = -100;

/**
 * Mean cross-entropy of each member over its scored positions, 0 where there are none.
 * logits [P, B, T, V], targets [P, B, T] int32 -> [P]. Differentiable in the logits.
 */
export function crossEntropy(logits: tf.Tensor4D, targets: tf.Tensor3D): tf.Tensor1D {
  const vocabulary = logits.shape[3];
  // The gradient, softmax minus target, is written out: tfjs would take it apart into twice as many passes.
  const losses = tf.customGrad((x, save) => {
    const isScored = tf.cast(tf.notEqual(targets, ignoredTarget), "float32");
    const scored = tf.maximum(tf.sum(isScored, [1, 2], true), 1); // [P, 1, 1]
    const weights = tf.div(isScored, scored); // [P, B, T], sums to 1
    const target = tf.cast(tf.oneHot(targets, vocabulary), "float32"); // [P, B, T, V], zeros where ignored

    const shifted = tf.sub(x as tf.Tensor4D, tf.max(x as tf.Tensor4D, -1, true));
    const exponentials = tf.exp(shifted);
    const totals = tf.sum(exponentials, -1, true); // [P, B, T, 1]
    const picked = tf.sum(tf.mul(shifted, target), -1); // [P, B, T]
    const surprise = tf.sub(tf.reshape(tf.log(totals), targets.shape), picked);
    (save as tf.GradSaveFunc)([exponentials, totals, target, tf.expandDims(weights, -1)]);
    return {
      value: tf.sum(tf.mul(surprise, weights), [1, 2]),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [exponentials, totals, target, weights] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        const scale = tf.mul(weights, tf.reshape(dy, [-1, 1, 1, 1])); // [P, B, T, 1]
        return tf.mul(tf.sub(tf.div(exponentials, totals), target), scale);
      },
    };
  });
  return losses(logits) as tf.Tensor1D;
}
