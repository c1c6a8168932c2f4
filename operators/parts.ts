// Building blocks that operators share. Shape letters as in `types.ts`; every tensor has the members axis P first.
//
// Made of operations that run on every engine and whose gradients are right (see `gradients.ts`): no FFT, no
// convolution kernels, no gather of rows, no tile. Plain activations come from tfjs itself: `tf.softplus`
// (linear above 14, so it never overflows), `tf.elu`, `tf.relu`, `tf.softmax`.
import * as tf from "@tensorflow/tfjs";
import "./gradients.ts";
import { fusedShortConvolution, hasKernel } from "./fused.ts";
import type { Weights } from "./types.ts";

/** The weight called `name`, or an error that lists what there is. */
export function weight(weights: Weights, name: string): tf.Tensor {
  const found = weights[name];
  if (found === undefined) {
    throw new Error(`weight "${name}" is missing; given are: ${Object.keys(weights).join(", ") || "none"}`);
  }
  return found;
}

/** The weights of a submodule, under their names inside it: `within({"a.b": w}, "a")` is `{b: w}`. */
export function within(weights: Weights, module: string): Weights {
  const prefix = `${module}.`;
  const inside = Object.entries(weights).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(inside.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/** x [P, ..., D], weight [P, E, D], bias [P, E] -> [P, ..., E]. */
export function linear<X extends tf.Tensor>(x: X, weight: tf.Tensor, bias?: tf.Tensor): X {
  const [members = 1, outputs = 1, inputs = 1] = weight.shape;
  // Flattened to one matrix per member: the gradient of tf.matMul is wrong where batch axes are broadcast.
  const rows = tf.reshape(x, [members, -1, inputs]); // [P, B*T, D]
  let y = tf.matMul(rows, tf.reshape(weight, [members, outputs, inputs]), false, true); // [P, B*T, E]
  if (bias) y = tf.add(y, tf.reshape(bias, [members, 1, outputs]));
  return tf.reshape(y, [...x.shape.slice(0, -1), outputs]) as X;
}

/** `linear` with the weights of the module called `name`; its bias is used where it exists. */
export function project<X extends tf.Tensor>(x: X, weights: Weights, name: string): X {
  return linear(x, weight(weights, `${name}.weight`), weights[`${name}.bias`]);
}

/** A per-member vector [P, D] shaped to broadcast against an activation of `rank` axes: [P, 1, ..., 1, D]. */
export function perMember(vector: tf.Tensor, rank: number): tf.Tensor {
  const [members = 1, ...rest] = vector.shape;
  return tf.reshape(vector, [members, ...Array<number>(rank - 1 - rest.length).fill(1), ...rest]);
}

export const rmsEps = 1e-5;

/** x / sqrt(mean(x^2) + eps) * weight over the last axis; no mean is subtracted. weight [P, D]. */
export function rmsNorm<X extends tf.Tensor>(x: X, weight: tf.Tensor, eps = rmsEps): X {
  // With n = x / rms, dx = (dy w - n mean(dy w n)) / rms: from n, where tfjs would go back to x and its squares.
  const normalize = tf.customGrad((...given) => {
    const [x, save] = given as [tf.Tensor, tf.GradSaveFunc];
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps)); // [P, ..., 1]
    const normal = tf.mul(x, scale);
    save([normal, scale]);
    const gradFunc = (dn: tf.Tensor, saved: tf.Tensor[]) => {
      const [normal, scale] = saved as [tf.Tensor, tf.Tensor];
      const along = tf.mean(tf.mul(dn, normal), -1, true);
      return tf.mul(tf.sub(dn, tf.mul(normal, along)), scale);
    };
    return { value: normal, gradFunc };
  });
  return tf.mul(normalize(x), perMember(weight, x.rank)) as X;
}

/** (x - mean) / sqrt(variance + eps) * weight + bias over the last axis, biased variance. weight, bias [P, D]. */
export function layerNorm<X extends tf.Tensor>(x: X, weight: tf.Tensor, bias: tf.Tensor, eps = 1e-5): X {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), eps)); // [P, ..., 1]
  const normal = tf.mul(tf.mul(centred, scale), perMember(weight, x.rank));
  return tf.add(normal, perMember(bias, x.rank)) as X;
}

/**
 * nn.GroupNorm on every token: groups of D/G neighbouring channels share mean and biased variance. weight, bias [P, D].
 */
export function groupNorm<X extends tf.Tensor>(
  x: X,
  weight: tf.Tensor,
  bias: tf.Tensor,
  groups: number,
  eps = 1e-5,
): X {
  const grouped = tf.reshape(x, [...x.shape.slice(0, -1), groups, -1]); // [P, ..., G, D/G]
  const centred = tf.sub(grouped, tf.mean(grouped, -1, true));
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), eps)); // [P, ..., G, 1]
  const normal = tf.mul(tf.reshape(tf.mul(centred, scale), x.shape), perMember(weight, x.rank));
  return tf.add(normal, perMember(bias, x.rank)) as X;
}

/** x * sigmoid(x). */
export function silu<X extends tf.Tensor>(x: X): X {
  // With y = x s the slope is y + s (1 - y): four passes, where tfjs would take six.
  const activate = tf.customGrad((...given) => {
    const [x, save] = given as [tf.Tensor, tf.GradSaveFunc];
    const s = tf.sigmoid(x);
    const y = tf.mul(x, s);
    save([s, y]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [s, y] = saved as [tf.Tensor, tf.Tensor];
      return tf.mul(dy, tf.add(y, tf.mul(s, tf.sub(1, y))));
    };
    return { value: y, gradFunc };
  });
  return activate(x) as X;
}

/** x * Phi(x), with the exact normal distribution. */
export function gelu<X extends tf.Tensor>(x: X): X {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)) as X;
}

/** GELU's tanh approximation: x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
export function geluTanh<X extends tf.Tensor>(x: X): X {
  const cubic = tf.mul(x, tf.add(tf.mul(tf.square(x), 0.044715), 1));
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(tf.mul(cubic, Math.sqrt(2 / Math.PI))), 1)) as X;
}

/**
 * Which keys a query sees, as booleans [T, T] (query, key): key s is visible to query t when t - left <= s <= t + right.
 * Made of two ranges and comparisons, so nothing of size T^2 is embedded in a compiled program.
 */
export function windowMask(length: number, left: number, right: number): tf.Tensor2D {
  const position = tf.range(0, length, 1, "float32");
  const query = tf.reshape(position, [length, 1]);
  const key = tf.reshape(position, [1, length]);
  const tooLate = right >= length - 1 ? null : tf.lessEqual(key, tf.add(query, right));
  const tooEarly = left >= length - 1 ? null : tf.greaterEqual(key, tf.sub(query, left));
  if (tooLate && tooEarly) return tf.logicalAnd(tooLate, tooEarly);
  return (tooLate ?? tooEarly ?? tf.greaterEqual(query, tf.mul(key, 0))) as tf.Tensor2D;
}

/** `windowMask` that sees the present, `window` tokens before it (default all), and nothing later. */
export function causalMask(length: number, window = Number.POSITIVE_INFINITY): tf.Tensor2D {
  return windowMask(length, window, 0);
}

/** x [P, B, T, H*K] -> [P, B, H, T, K]; channels are head-major. */
export function splitHeads(x: tf.Tensor4D, heads: number): tf.Tensor5D {
  const [members, batch, length, width] = x.shape;
  const apart: tf.Tensor5D = tf.reshape(x, [members, batch, length, heads, width / heads]);
  return tf.transpose(apart, [0, 1, 3, 2, 4]);
}

/** x [P, B, H, T, V] -> [P, B, T, H*V]. */
export function mergeHeads(x: tf.Tensor5D): tf.Tensor4D {
  const [members, batch, heads, length, width] = x.shape;
  return tf.reshape(tf.transpose(x, [0, 1, 3, 2, 4]), [members, batch, length, heads * width]);
}

/** x [..., T, C] -> [..., T, C] with x_{t - by} at position t and zeros where there is no past. */
export function shiftRight<X extends tf.Tensor>(x: X, by: number): X {
  const length = x.shape.at(-2) ?? 0;
  if (by === 0) return x;
  if (by >= length) return tf.zerosLike(x);
  const past = tf.slice(x, Array<number>(x.rank).fill(0), [...x.shape.slice(0, -2), length - by, x.shape.at(-1) ?? 0]);
  return tf.pad(past, [...Array.from({ length: x.rank - 2 }, (): [number, number] => [0, 0]), [by, 0], [0, 0]]) as X;
}

/**
 * Depthwise causal convolution along T, as nn.Conv1d(C, C, K, groups=C, padding=K-1) cut to T:
 * y_t = sum_k weight[k] x_{t - (K-1) + k} + bias. x [P, B, T, C], weight [P, C, 1, K], bias [P, C].
 */
export function shortConvolution(x: tf.Tensor4D, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor4D {
  if (hasKernel("ShortConvolution")) return fusedShortConvolution(x, weight, bias);
  const [members = 1, channels = 1, , taps = 1] = weight.shape;
  const byTap = tf.unstack(tf.reshape(weight, [members, 1, 1, channels, taps]), -1); // K x [P, 1, 1, C]
  const terms = byTap.map((tap, k) => tf.mul(shiftRight(x, taps - 1 - k), tap) as tf.Tensor4D);
  const y = terms.reduce((sum, term) => tf.add(sum, term));
  return bias ? tf.add(y, perMember(bias, 4)) : y;
}

/** Zeros before and after what one axis holds; a negative axis counts from the end. */
export function padAxis<X extends tf.Tensor>(x: X, axis: number, before: number, after: number): X {
  if (before === 0 && after === 0) return x;
  const padded = axis < 0 ? axis + x.rank : axis;
  return tf.pad(
    x,
    x.shape.map((_, i): [number, number] => (i === padded ? [before, after] : [0, 0])),
  ) as X;
}

/** Zeros after the last entry of the last axis, up to `length` entries. */
export function extendTo<X extends tf.Tensor>(x: X, length: number): X {
  return padAxis(x, -1, 0, length - (x.shape.at(-1) ?? 0));
}

/** The first `length` entries of the last axis. */
export function cutTo<X extends tf.Tensor>(x: X, length: number): X {
  if (x.shape.at(-1) === length) return x;
  return tf.slice(x, Array<number>(x.rank).fill(0), [...x.shape.slice(0, -1), length]) as X;
}
