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
  const length = x.shape[timeAxis] ?? 0;
  const rest = (x.shape.at(-1) ?? 0) - channels;
  const half = channels / 2;

  const frequency = tf.tensor2d(
    Array.from({ length: half }, (_, i) => base ** ((-2 * i) / channels)),
    [1, half],
  );
  const between = Array<number>(x.rank - 2 - timeAxis).fill(1);
  const position = tf.reshape(tf.range(0, length, 1, "float32"), [length, ...between, 1]);
  const angle = tf.mul(position, frequency); // [T, ..., R/2]
  const [cos, sin] = [tf.cos(angle), tf.sin(angle)];

  const [a, b, untouched] = tf.split(x, rest > 0 ? [half, half, rest] : [half, half], -1) as [X, X, X?];
  const turned = [tf.sub(tf.mul(a, cos), tf.mul(b, sin)), tf.add(tf.mul(b, cos), tf.mul(a, sin))];
  return tf.concat(untouched ? [...turned, untouched] : turned, -1) as X;
}
