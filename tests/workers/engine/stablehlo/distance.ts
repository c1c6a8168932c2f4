/** The norm of the difference, relative to that of the expectation; not a number where the lengths differ. */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.NaN;
  const norm = (values: number[]) => Math.hypot(...values);
  return norm(Array.from(expected, (x, i) => (actual[i] as number) - x)) / (norm(Array.from(expected)) || 1);
}
