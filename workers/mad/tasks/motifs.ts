// Motifs of the fuzzy task: every ordered choice of `size` different tokens, in an order shuffled for each instance.
//
// The published code makes and shuffles the whole list per instance (at a vocabulary of 128, half a million tuples).
// Here a motif is its number in the order of Python's itertools.permutations, and only numbers are shuffled.
import type { Generator } from "../numpy/generator.ts";
import type { TokenRange } from "./types.ts";

export class Motifs {
  readonly size: number;
  readonly #range: TokenRange;
  readonly #order: Int32Array;

  constructor(range: TokenRange, size: number) {
    this.size = size;
    this.#range = range;
    this.#order = new Int32Array(countMotifs(range.count, size));
  }

  reshuffle(generator: Generator): void {
    const order = this.#order;
    for (let i = 0; i < order.length; i++) order[i] = i;
    generator.shuffle(order);
  }

  /** Number of a motif, uniformly drawn from the shuffled list. */
  draw(generator: Generator): number {
    return this.#order[generator.choice(this.#order.length)] as number;
  }

  /** Tokens of motif `number`: its digits in the falling base n, n - 1, ... choose among the tokens still free. */
  tokens(number: number): number[] {
    const free = Array.from({ length: this.#range.count }, (_, i) => this.#range.first + i);
    const tokens: number[] = [];
    let rest = number;
    for (let place = this.size - 1; place >= 0; place--) {
      const block = countMotifs(free.length - 1, place);
      tokens.push(...free.splice(Math.floor(rest / block), 1));
      rest %= block;
    }
    return tokens;
  }
}

/** n (n - 1) ... (n - size + 1). */
export function countMotifs(tokens: number, size: number): number {
  let count = 1;
  for (let i = 0; i < size; i++) count *= Math.max(tokens - i, 0);
  return count;
}
