// Directional derivatives by finite differences, for functions computed in float32.
import type * as tf from "@tensorflow/tfjs";

export type Arrays = readonly Float32Array[];

/** A step that is too long meets curvature, one too short the noise of float32: which is right depends on the function. */
const steps = [0.01, 0.03, 0.003, 0.001, 0.1, 3e-4, 0.3, 1e-4];

export interface Derivative {
  /** The function; should add up its numbers in doubles. */
  readonly value: (at: Arrays) => number;
  readonly at: Arrays;
  /** The derivative along `telling(gradient)` is to be checked. */
  readonly gradient: Arrays;
  readonly random: () => number;
  /** Sum of the magnitudes that `value` adds up: their rounding is noise. Default 0. */
  readonly magnitude?: number;
}

/**
 * How far the derivative is from what the gradient says, relative to the gradient's length and beyond the noise of
 * float32, at the best of several steps; stops looking below `enough`.
 */
export function derivativeError({ value, at, gradient, random, magnitude = 0 }: Derivative, enough: number): number {
  const direction = telling(gradient, random);
  const expected = dot(gradient, direction);
  const scale = norm(gradient);
  const along = (h: number) => value(at.map((array, k) => array.map((x, i) => x + h * (direction[k]?.[i] as number))));
  let best = Number.POSITIVE_INFINITY;
  for (const h of steps) {
    const measured = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h); // error of order h^4
    const noise = (2 ** -23 * magnitude) / h;
    best = Math.min(best, Math.max(0, Math.abs(measured - expected) - noise) / scale);
    if (best < enough) break;
  }
  return best;
}

/** sum(y * r) in doubles. */
export function weightedSum(y: tf.Tensor, r: Float32Array): number {
  return (y.dataSync() as Float32Array).reduce((sum, value, i) => sum + value * (r[i] as number), 0);
}

export function norm(a: Arrays): number {
  return Math.sqrt(dot(a, a));
}

/**
 * The direction of the gradient plus one at random, both of length one: the derivative along it is about as large as
 * the gradient, and an entry that is wrong or in the wrong place shows.
 */
function telling(gradient: Arrays, random: () => number): Arrays {
  const noise = gradient.map((array) => array.map(() => random()));
  const [g, n] = [norm(gradient) || 1, norm(noise) || 1];
  return gradient.map((array, k) => array.map((x, i) => x / g + (noise[k]?.[i] as number) / n));
}

function dot(a: Arrays, b: Arrays): number {
  return a.reduce((sum, array, k) => sum + array.reduce((part, x, i) => part + x * (b[k]?.[i] as number), 0), 0);
}
