// Complex numbers as two real tensors: no engine of ours runs complex kernels, and tfjs has no gradients for them.
import * as tf from "@tensorflow/tfjs";

export interface Complex {
  readonly re: tf.Tensor;
  readonly im: tf.Tensor;
}

/** The last axis of a stored complex tensor holds real and imaginary part. */
export function fromPairs(pairs: tf.Tensor): Complex {
  const [re, im] = tf.unstack(pairs, -1) as [tf.Tensor, tf.Tensor];
  return { re, im };
}

export function map({ re, im }: Complex, change: (part: tf.Tensor) => tf.Tensor): Complex {
  return { re: change(re), im: change(im) };
}

export function times(a: Complex, b: Complex): Complex {
  return {
    re: tf.sub(tf.mul(a.re, b.re), tf.mul(a.im, b.im)),
    im: tf.add(tf.mul(a.re, b.im), tf.mul(a.im, b.re)),
  };
}

export function over(a: Complex, b: Complex): Complex {
  const norm = tf.add(tf.square(b.re), tf.square(b.im));
  const product = times(a, { re: b.re, im: tf.neg(b.im) });
  return map(product, (part) => tf.div(part, norm));
}

export function exp({ re, im }: Complex): Complex {
  const size = tf.exp(re);
  return { re: tf.mul(size, tf.cos(im)), im: tf.mul(size, tf.sin(im)) };
}

/** exp(a) - 1 without cancellation near zero. */
export function expMinusOne({ re, im }: Complex): Complex {
  const size = tf.exp(re);
  const growth = tf.mul(tf.tanh(tf.mul(re, 0.5)), tf.add(size, 1)); // exp(re) - 1
  const halfSine = tf.sin(tf.mul(im, 0.5));
  return {
    re: tf.sub(tf.mul(growth, tf.cos(im)), tf.mul(tf.square(halfSine), 2)),
    im: tf.mul(size, tf.sin(im)),
  };
}
