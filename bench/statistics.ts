// Whether one set of measurements is larger than another, exactly and without assuming a distribution.
//
// Mann and Whitney 1947, doi:10.1214/aoms/1177730491; Wilcoxon 1945, doi:10.2307/3001968. The probability is counted over
// every way in which the ranks could have fallen, ties having their mean rank; made for tens of measurements.

export interface RankTest {
  /** U of the first sample, or the sum of the positive differences' ranks. */
  readonly statistic: number;
  /** Two-sided probability of a statistic at least so far from its middle, were there no difference. */
  readonly p: number;
}

/** Independent samples. */
export function mannWhitney(first: readonly number[], second: readonly number[]): RankTest {
  const ranks = midranks([...first, ...second]);
  const sum = total(ranks.slice(0, first.length));
  const least = (first.length * (first.length + 1)) / 2;
  const sums = subsetSums(ranks, first.length);
  return { statistic: sum - least, p: twoSided(sums, 2 * sum) };
}

/** Pairs; equal ones say nothing and are left out. */
export function wilcoxonSignedRank(first: readonly number[], second: readonly number[]): RankTest {
  if (first.length !== second.length)
    throw new RangeError(`${first.length} values cannot be paired with ${second.length}`);
  const differences = first.map((value, index) => value - second[index]!).filter((difference) => difference !== 0);
  const ranks = midranks(differences.map(Math.abs));
  const sum = total(ranks.filter((_, index) => differences[index]! > 0));
  return { statistic: sum, p: twoSided(subsetSums(ranks), 2 * sum) };
}

/** The value below which a share of the measurements lies, interpolated between neighbours. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) throw new RangeError("a quantile of no values");
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  return below + (place - Math.floor(place)) * (sorted[Math.ceil(place)]! - below);
}

/** From 1; equal values share the mean of their ranks. */
function midranks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal + 1) / 2;
  });
}

/** How many subsets (of one size, or of any) have each sum of ranks; sums are doubled, for midranks end in a half. */
function subsetSums(ranks: readonly number[], size: number | null = null): Float64Array {
  const largest = 2 * total(ranks);
  const step = size === null ? 0 : 1;
  const ways = Array.from({ length: (size ?? 0) + 1 }, () => new Float64Array(largest + 1)); // [taken][sum]
  ways[0]![0] = 1;
  for (const rank of ranks) {
    for (let taken = ways.length - 1 - step; taken >= 0; taken--) {
      const [from, to] = [ways[taken]!, ways[taken + step]!];
      for (let sum = largest - 2 * rank; sum >= 0; sum--) to[sum + 2 * rank]! += from[sum]!;
    }
  }
  return ways.at(-1)!;
}

/** The share of all ways whose sum lies at least as far from the middle as the observed one. */
function twoSided(ways: Float64Array, observed: number): number {
  const middle = (ways.findIndex((count) => count > 0) + ways.findLastIndex((count) => count > 0)) / 2;
  const isAsFar = (sum: number) => Math.abs(sum - middle) >= Math.abs(observed - middle);
  return total([...ways].filter((_, sum) => isAsFar(sum))) / total([...ways]);
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
