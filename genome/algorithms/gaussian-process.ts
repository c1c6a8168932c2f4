// Gaussian process regression with a squared exponential kernel, for a few hundred points.
//
// Rasmussen & Williams 2006, "Gaussian Processes for Machine Learning", algorithm 2.1. The length scale is the median
// distance of the points; the share of noise in the variance is the likeliest of a few (eq. 2.30).

export interface Prediction {
  readonly mean: number;
  /** Standard deviation of the noiseless value. */
  readonly deviation: number;
}

const noiseShares = [0.001, 0.01, 0.05, 0.2, 0.5];

/** At least one point, all of one length, with finite targets. */
export function fitGaussianProcess(
  points: readonly (readonly number[])[],
  targets: readonly number[],
): (point: readonly number[]) => Prediction {
  const mean = targets.reduce((sum, target) => sum + target, 0) / targets.length;
  const variance = targets.reduce((sum, target) => sum + (target - mean) ** 2, 0) / targets.length;
  const scale = Math.sqrt(variance) || 1;
  const scaled = targets.map((target) => (target - mean) / scale);

  const distances = points.map((point, i) => points.slice(0, i).map((other) => squaredDistance(point, other)));
  const lengthSquared = medianOf(distances.flat().filter((distance) => distance > 0)) || 1;
  const kernel = (distance: number) => Math.exp((-0.5 * distance) / lengthSquared);
  const covariance = distances.map((row) => [...row.map(kernel), 1]); // lower triangle

  const fits = noiseShares.map((noise) => fitWith(noise, covariance, scaled));
  const { factor, weights, signal } = fits.reduce((best, fit) => (fit.likelihood > best.likelihood ? fit : best));
  return (point) => {
    const towards = points.map((other) => signal * kernel(squaredDistance(point, other)));
    const explained = solveLower(factor, towards);
    const left = Math.max(0, signal - dot(explained, explained));
    return { mean: mean + scale * dot(towards, weights), deviation: scale * Math.sqrt(left) };
  };
}

/** The variance 1 of the scaled targets is split into signal and noise. */
function fitWith(noise: number, covariance: readonly (readonly number[])[], targets: readonly number[]) {
  const signal = 1 - noise;
  const factor = cholesky(covariance.map((row, i) => row.map((value, j) => signal * value + (i === j ? noise : 0))));
  const half = solveLower(factor, targets);
  const logDeterminant = 2 * factor.reduce((sum, row, i) => sum + Math.log(row[i]!), 0);
  return { factor, signal, weights: solveUpper(factor, half), likelihood: -0.5 * (dot(half, half) + logDeterminant) };
}

/** The lower triangle L with A = L L^T, row by row; A is positive definite. */
function cholesky(lower: readonly (readonly number[])[]): number[][] {
  const factor: number[][] = [];
  for (const [i, row] of lower.entries()) {
    const made = new Array<number>(i + 1);
    for (let j = 0; j <= i; j++) {
      const above = j < i ? factor[j]! : made;
      let rest = row[j]!;
      for (let k = 0; k < j; k++) rest -= made[k]! * above[k]!;
      made[j] = j < i ? rest / above[j]! : Math.sqrt(rest);
    }
    factor.push(made);
  }
  return factor;
}

/** x with L x = b. */
function solveLower(factor: readonly (readonly number[])[], b: readonly number[]): number[] {
  const x = new Array<number>(b.length);
  for (let i = 0; i < b.length; i++) {
    const row = factor[i]!;
    let rest = b[i]!;
    for (let k = 0; k < i; k++) rest -= row[k]! * x[k]!;
    x[i] = rest / row[i]!;
  }
  return x;
}

/** x with L^T x = b. */
function solveUpper(factor: readonly (readonly number[])[], b: readonly number[]): number[] {
  const x = [...b];
  for (let i = b.length - 1; i >= 0; i--) {
    const row = factor[i]!;
    x[i]! /= row[i]!;
    for (let k = 0; k < i; k++) x[k]! -= row[k]! * x[i]!;
  }
  return x;
}

function squaredDistance(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
