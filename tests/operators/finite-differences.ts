// Directional derivatives by finite differences, for functions computed in float32.
import type * as tf from "@tensorflow/tfjs";

export type Arrays = readonly Float32Array[];

/** Fourth order; the error of float32 grows as the step shrinks, that of the formula as it grows. */
const steps = [0.1, 0.03, 0.01, 0.003, 0.001];

/**
 * How far the derivative of `value` along `direction` is from `expected`, relative to `scale`, at the best of several
 * steps. `value` should add up its numbers in doubles.
 */
export function derivativeError(
  value: (at: Arrays) => number,
  at: Arrays,
  direction: Arrays,
  expected: number,
  scale = Math.abs(expected),
): number {
  const along = (h: number) => value(at.map((array, k) => array.map((x, i) => x + h * (direction[k]?.[i] as number))));
  const errors = steps.map((h) => {
    const measured = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h);
    return Math.abs(measured - expected) / scale;
  });
  return Math.min(...errors);
}

export function dot(a: Arrays, b: Arrays): number {
  return a.reduce((sum, array, k) => sum + array.reduce((part, x, i) => part + x * (b[k]?.[i] as number), 0), 0);
}

export function norm(a: Arrays): number {
  return Math.sqrt(dot(a, a));
}

/**
 * The direction of the gradient plus one at random, both of length one: the derivative along it is about as large as
 * the gradient, and an entry that is wrong or in the wrong place shows.
 */
export function telling(gradient: Arrays, random: () => number): Arrays {
  const noise = gradient.map((array) => array.map(() => random()));
  const [g, n] = [norm(gradient) || 1, norm(noise) || 1];
  return gradient.map((array, k) => array.map((x, i) => x / g + (noise[k]?.[i] as number) / n));
}

/** sum(y * r) in doubles. */
export function weightedSum(y: tf.Tensor, r: Float32Array): number {
  return (y.dataSync() as Float32Array).reduce((sum, value, i) => sum + value * (r[i] as number), 0);
}
