// AdamW as torch.optim.AdamW does it (Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2), on flat vectors.
//
// p <- p (1 - lr wd) - lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps), with both moments updated first.
import * as tf from "@tensorflow/tfjs";

export interface OptimizerState {
  readonly parameters: tf.Tensor2D; // [P, N]
  readonly firstMoments: tf.Tensor2D; // [P, N]
  readonly secondMoments: tf.Tensor2D; // [P, N]
  /** Updates made so far, t. */
  readonly stepsTaken: tf.Tensor1D; // [P]
}

export interface OptimizerRates {
  readonly learningRates: tf.Tensor1D; // [P]
  readonly weightDecays: tf.Tensor1D; // [P]
}

/** PyTorch's defaults. */
const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/** One update; gradients [P, N]. Each member has its own rates and its own count of steps. */
export function adamW(state: OptimizerState, gradients: tf.Tensor2D, rates: OptimizerRates): OptimizerState {
  const stepsTaken: tf.Tensor1D = tf.add(state.stepsTaken, 1);
  const correction1 = biasCorrection(stepsTaken, beta1); // [P]
  const rootCorrection2 = tf.sqrt(biasCorrection(stepsTaken, beta2)); // [P]

  const firstMoments: tf.Tensor2D = tf.add(tf.mul(state.firstMoments, beta1), tf.mul(gradients, 1 - beta1));
  const squares = tf.mul(tf.square(gradients), 1 - beta2);
  const secondMoments: tf.Tensor2D = tf.add(tf.mul(state.secondMoments, beta2), squares);

  // The root of the second correction is moved from v to the step size and to eps: [P] instead of [P, N] to divide.
  const stepSize = column(tf.div(tf.mul(rates.learningRates, rootCorrection2), correction1));
  const denominator = tf.add(tf.sqrt(secondMoments), column(tf.mul(rootCorrection2, epsilon)));
  const kept = column(tf.sub(1, tf.mul(rates.learningRates, rates.weightDecays)));
  const change = tf.mul(tf.div(firstMoments, denominator), stepSize);
  const parameters: tf.Tensor2D = tf.sub(tf.mul(state.parameters, kept), change);
  return { parameters, firstMoments, secondMoments, stepsTaken };
}

/** 1 - beta^t, without the cancellation that float32 would suffer at t = 1. */
function biasCorrection(stepsTaken: tf.Tensor1D, beta: number): tf.Tensor1D {
  return tf.neg(tf.expm1(tf.mul(stepsTaken, Math.log(beta))));
}

function column(perMember: tf.Tensor): tf.Tensor2D {
  return tf.reshape(perMember, [-1, 1]);
}
