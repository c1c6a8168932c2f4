// Rotary position embedding (RoPE).
//
// Su et al. 2021, "RoFormer", arXiv:2104.09864, eq. 34. Half-split as in flash-attention: channel i is paired with
// channel i + R/2, not with i + 1.
import * as tf from "@tensorflow/tfjs";

/**
 * Turns the first `channels` (R, even) channels of x [..., T, ..., K] by angles t * base^(-2i/R), i < R/2; T is the axis
 * before the last unless `timeAxis` says otherwise.
 */
export function rotate<X extends tf.Tensor>(x: X, channels: number, base = 10_000, timeAxis = x.rank - 2): X {
  if (channels === 0) return x;
  const rows = x.shape.slice(timeAxis); // [T, ..., K]
  const [length = 1, ...perToken] = rows;
  const width = perToken.at(-1) ?? 0;
  const half = channels / 2;

  // x cos + (partner of x) sin. The first of a pair turns by a negative angle, and what is not turned by none. Angles are
  // spelt out for all that a token holds, because many engines broadcast over few neighbours slowly.
  const frequency = Array.from({ length: perToken.reduce((product, size) => product * size, 1) }, (_, place) => {
    const i = place % width;
    if (i >= channels) return 0;
    return (i < half ? -1 : 1) * base ** ((-2 * (i % half)) / channels);
  });
  const position: tf.Tensor2D = tf.reshape(tf.range(0, length, 1, "float32"), [length, 1]);
  const angle = tf.reshape(tf.mul(position, tf.tensor2d([frequency])), rows); // [T, ..., K]

  const sizes = width > channels ? [half, half, width - channels] : [half, half];
  const [first, second, ...rest] = tf.split(x, sizes, -1) as [X, X, ...X[]];
  const partner = tf.concat([second, first, ...rest], -1);
  return tf.add(tf.mul(x, tf.cos(angle)), tf.mul(partner, tf.sin(angle))) as X;
}
