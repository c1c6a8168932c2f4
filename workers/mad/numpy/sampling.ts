// Sampling that numpy does alike with its new and its legacy generator.

/** A source of uniform 32-bit integers and of doubles in [0, 1). */
export interface Bits {
  uint32(): number;
  double(): number;
}

/** numpy's `random_interval`: uniform in [0, max], max < 2^32, by rejecting masked 32-bit draws. */
export function interval(bits: Bits, max: number): number {
  if (max === 0) return 0;
  const mask = 0xffffffff >>> Math.clz32(max);
  let draw = (bits.uint32() & mask) >>> 0;
  while (draw > max) draw = (bits.uint32() & mask) >>> 0;
  return draw;
}

/** Fisher-Yates from the end, in place. */
export function shuffle(bits: Bits, values: Int32Array): Int32Array {
  for (let i = values.length - 1; i > 0; i--) {
    const j = interval(bits, i);
    const value = values[i] as number;
    values[i] = values[j] as number;
    values[j] = value;
  }
  return values;
}

/** 0 .. count - 1. */
export function arange(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i);
}

/** `size` indices drawn with probabilities `p`, which sum to one; an index may come again. */
export function weightedChoice(bits: Bits, p: readonly number[], size: number): Int32Array {
  const upTo = cumulative(p);
  return Int32Array.from({ length: size }, () => firstAbove(upTo, bits.double()));
}

/** `size` different indices: what collides with an earlier draw is drawn again among the indices that are left. */
export function weightedChoiceWithoutReplacement(bits: Bits, p: readonly number[], size: number): Int32Array {
  const possible = p.filter((probability) => probability > 0).length;
  if (size > possible) throw new RangeError(`choice: ${size} different values asked of ${possible} possible ones`);
  const left = [...p];
  const found = new Set<number>();
  while (found.size < size) {
    for (const index of found) left[index] = 0;
    const upTo = cumulative(left);
    const draws = Array.from({ length: size - found.size }, () => bits.double());
    for (const draw of draws) found.add(firstAbove(upTo, draw));
  }
  return Int32Array.from(found);
}

function cumulative(p: readonly number[]): Float64Array {
  const sums = new Float64Array(p.length);
  let sum = 0;
  for (const [i, probability] of p.entries()) {
    sum += probability;
    sums[i] = sum;
  }
  return sums.map((value) => value / sum);
}

/** `searchsorted(side="right")`: the first index whose value is greater than `draw`. */
function firstAbove(sorted: Float64Array, draw: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (draw < (sorted[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}
