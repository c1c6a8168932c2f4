// The convolution kernel of a diagonal state space model: K_t = 2 Re sum_n C_n B_n gain_n z_n^t.
//
// Gu et al. 2022, "On the Parameterization and Initialization of Diagonal State Space Models", arXiv:2206.11893,
// eq. 6 and table 1. N counts the stored half of the conjugate pairs. The powers are a product of two, z^(m a) z^b with
// t = m a + b, so the sum over n is a matrix product and nothing of size N T is held.
import * as tf from "@tensorflow/tfjs";
import { type Complex, exp, expMinusOne, map, over, times } from "../complex.ts";
import { cutTo } from "../parts.ts";

export type Discretisation = "zoh" | "bilinear";

/** x' = A x + B u, y = C x for D channels with O outputs each. */
export interface DiagonalSystem {
  /** dt [P, D, 1]. */
  readonly step: tf.Tensor;
  /** [P, D, N]. */
  readonly a: Complex;
  /** C B [P, O, D, N]. */
  readonly cb: Complex;
}

/** [P, O, D, T]. */
export function convolutionKernel(
  { step, a, cb }: DiagonalSystem,
  length: number,
  discretisation: Discretisation,
): tf.Tensor4D {
  const [members = 1, outputs = 1, channels = 1, states = 1] = cb.re.shape;
  const near = 2 ** Math.ceil(Math.log2(length) / 2);
  const far = Math.ceil(length / near);
  const { gain, powers } = discretise[discretisation](step, a);

  const weights = map(cb, (part) =>
    tf.reshape(tf.transpose(part, [0, 2, 1, 3]), [members, channels, outputs, 1, states]),
  );
  const gains = map(gain, (part) => tf.reshape(part, [members, channels, 1, 1, states]));
  const high = map(powers(near, far), (part) => tf.expandDims(part, 2)); // [P, D, 1, far, N]
  const { re, im } = times(times(weights, gains), high); // [P, D, O, far, N]
  const low = powers(1, near); // [P, D, near, N]
  const left = tf.reshape(tf.concat([re, tf.neg(im)], -1), [members, channels, outputs * far, 2 * states]);
  const real = tf.matMul(left, tf.concat([low.re, low.im], -1), false, true); // [P, D, O * far, near]

  const taps: tf.Tensor4D = tf.reshape(tf.mul(real, 2), [members, channels, outputs, far * near]);
  return tf.transpose(cutTo(taps, length), [0, 2, 1, 3]);
}

interface Discrete {
  /** Discrete B as a multiple of B [P, D, N]. */
  readonly gain: Complex;
  /** z^(stride k) for k < count, z the discrete A; the stride is a power of two. [P, D, count, N]. */
  readonly powers: (stride: number, count: number) => Complex;
}

const discretise = {
  /** z = exp(dt A), gain = (z - 1) / A: exact for an input that is constant between samples. */
  zoh(step, a) {
    const exponent = map(a, (part) => tf.mul(part, step));
    return {
      gain: over(expMinusOne(exponent), a),
      powers: (stride, count) => {
        const steps = tf.reshape(tf.mul(tf.range(0, count, 1, "float32"), stride), [count, 1]);
        return exp(map(exponent, (part) => tf.mul(tf.expandDims(part, 2), steps)));
      },
    };
  },

  /** z = (1 + dt A / 2) / (1 - dt A / 2), gain = dt / (1 - dt A / 2). */
  bilinear(step, a) {
    const half = map(a, (part) => tf.mul(part, tf.mul(step, 0.5)));
    const ahead: Complex = { re: tf.sub(1, half.re), im: tf.neg(half.im) };
    const z = over({ re: tf.add(half.re, 1), im: half.im }, ahead);
    return {
      gain: over({ re: step, im: tf.zerosLike(step) }, ahead),
      powers: (stride, count) => {
        let ratio = map(z, (part) => tf.expandDims(part, 2)); // [P, D, 1, N]
        for (let power = 1; power < stride; power *= 2) ratio = times(ratio, ratio);
        return doubled(ratio, count);
      },
    };
  },
} satisfies Record<Discretisation, (step: tf.Tensor, a: Complex) => Discrete>;

/** 1, z, ... z^(count - 1) along the next to last axis, by doubling; needs no logarithm of z. */
function doubled(z: Complex, count: number): Complex {
  let powers: Complex = { re: tf.onesLike(z.re), im: tf.zerosLike(z.im) };
  for (let known = 1, next = z; known < count; known *= 2, next = times(next, next)) {
    const more = times(powers, next);
    powers = { re: tf.concat([powers.re, more.re], 2), im: tf.concat([powers.im, more.im], 2) };
  }
  return map(powers, (part) => tf.slice(part, 0, part.shape.with(2, count)));
}
