// When a computed tensor counts as equal to a published one.

export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

export interface Difference {
  /** Largest |a - b|, relative to the largest magnitude of the published tensor b (absolute where b is all zero). */
  readonly error: number;
  /** Every |a - b| <= atol + rtol * the largest magnitude of b; false where a value is not a number. */
  readonly isWithin: boolean;
}

export function differenceOf(
  actual: ArrayLike<number>,
  published: ArrayLike<number>,
  tolerance: Tolerance,
): Difference {
  if (actual.length !== published.length) {
    throw new Error(`${actual.length} values cannot be compared with ${published.length}`);
  }
  let magnitude = 0;
  let error = 0;
  for (let i = 0; i < published.length; i++) {
    const b = published[i] as number;
    magnitude = Math.max(magnitude, Math.abs(b));
    // Written so that NaN counts as the largest error; equal infinities are equal.
    const distance = actual[i] === b ? 0 : Math.abs((actual[i] as number) - b);
    error = distance <= error ? error : Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance;
  }
  const allowed = tolerance.atol + tolerance.rtol * magnitude;
  return { error: magnitude > 0 ? error / magnitude : error, isWithin: error <= allowed };
}
