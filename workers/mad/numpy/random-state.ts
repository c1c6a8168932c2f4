// numpy's legacy `np.random.seed(seed)` and the functions that follow it, value for value.

import type { ChoiceOptions } from "./generator.ts";
import { Mt19937 } from "./mt19937.ts";
import { arange, interval, shuffle, weightedChoice, weightedChoiceWithoutReplacement } from "./sampling.ts";

export class RandomState {
  readonly bits: Mt19937;

  constructor(seed: number) {
    this.bits = new Mt19937(seed);
  }

  /** Uniform integer in [0, bound), bound up to 2^32: `randint(0, bound)`. */
  randint(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 0x100000000) {
      throw new RangeError(`randint(${bound}): bound must be an integer in [1, 2^32]`);
    }
    return interval(this.bits, bound - 1);
  }

  randints(bound: number, size: number): Int32Array {
    return Int32Array.from({ length: size }, () => this.randint(bound));
  }

  /** Uniform in [0, 1), 53 bits. */
  randomSample(): number {
    return this.bits.double();
  }

  /** Several indices in [0, population): `choice(n, size, replace, p)`. */
  choices(population: number, size: number, { replace = true, p }: ChoiceOptions = {}): Int32Array {
    if (p && p.length !== population)
      throw new RangeError(`choice: ${p.length} probabilities for ${population} values`);
    if (p) return (replace ? weightedChoice : weightedChoiceWithoutReplacement)(this.bits, p, size);
    if (replace) return this.randints(population, size);
    if (size > population) throw new RangeError(`choice: ${size} different values asked of ${population}`);
    return this.permutation(population).slice(0, size);
  }

  /** In place, and returned. */
  shuffle(values: Int32Array): Int32Array {
    return shuffle(this.bits, values);
  }

  permutation(count: number): Int32Array {
    return this.shuffle(arange(count));
  }
}
