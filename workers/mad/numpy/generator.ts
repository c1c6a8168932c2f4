// numpy's `default_rng(seed)`: the methods that the MAD tasks draw with, value for value.
//
// Bounded integers: Lemire 2019, "Fast Random Integer Generation in an Interval", arXiv:1805.10941.
import { Pcg64, type Pcg64State } from "./pcg64.ts";
import { arange, shuffle, weightedChoice, weightedChoiceWithoutReplacement } from "./sampling.ts";
import { standardNormal } from "./ziggurat.ts";

export interface ChoiceOptions {
  /** Whether an index may be drawn again; default true. */
  readonly replace?: boolean;
  /** Probability of each index. */
  readonly p?: readonly number[];
}

export class Generator {
  readonly bits: Pcg64;

  constructor(seed: number | bigint) {
    this.bits = new Pcg64(seed);
  }

  /** Uniform integer in [0, bound), bound up to 2^53. A bound of 1 draws nothing. */
  integers(bound: number): number {
    if (!Number.isSafeInteger(bound) || bound < 1) {
      throw new RangeError(`integers(${bound}): bound must be an integer in [1, 2^53)`);
    }
    if (bound === 1) return 0;
    if (bound === 0x100000000) return this.bits.uint32();
    return bound < 0x100000000 ? this.#integers32(bound) : this.#integers64(bound);
  }

  /** One index in [0, population): `choice(n)`, and of a list or array the place of the chosen item. */
  choice(population: number): number {
    return this.integers(population);
  }

  /** Several indices in [0, population): `choice(n, size, replace, p)`. */
  choices(population: number, size: number, { replace = true, p }: ChoiceOptions = {}): Int32Array {
    if (p && p.length !== population)
      throw new RangeError(`choice: ${p.length} probabilities for ${population} values`);
    if (p) return (replace ? weightedChoice : weightedChoiceWithoutReplacement)(this.bits, p, size);
    if (!replace) return this.#distinct(population, size);
    return Int32Array.from({ length: size }, () => this.integers(population));
  }

  /** Uniform in [0, 1), 53 bits. */
  random(): number {
    return this.bits.double();
  }

  standardNormal(): number {
    return standardNormal(this.bits);
  }

  /** In place, and returned. */
  shuffle(values: Int32Array): Int32Array {
    return shuffle(this.bits, values);
  }

  permutation(count: number): Int32Array {
    return this.shuffle(arange(count));
  }

  state(): Pcg64State {
    return this.bits.state();
  }

  #integers32(bound: number): number {
    let draw = this.bits.uint32();
    let low = Math.imul(draw, bound) >>> 0;
    if (low < bound) {
      const threshold = (0x100000000 - bound) % bound;
      while (low < threshold) {
        draw = this.bits.uint32();
        low = Math.imul(draw, bound) >>> 0;
      }
    }
    return ((draw * bound - low) / 0x100000000 + 0.5) >>> 0;
  }

  #integers64(bound: number): number {
    const wide = BigInt(bound);
    let product = this.bits.uint64() * wide;
    if (BigInt.asUintN(64, product) < wide) {
      const threshold = (0x10000000000000000n - wide) % wide;
      while (BigInt.asUintN(64, product) < threshold) product = this.bits.uint64() * wide;
    }
    return Number(product >> 64n);
  }

  /** Without replacement: a shuffled tail of a large population, else Floyd's set sampling and a shuffle. */
  #distinct(population: number, size: number): Int32Array {
    if (size > population) throw new RangeError(`choice: ${size} different values asked of ${population}`);
    if (population > 10_000 && size > Math.floor(population / 50)) {
      return this.#shuffleFrom(Math.max(population - size, 1), arange(population)).slice(population - size);
    }
    const seen = new Set<number>();
    for (let last = population - size; last < population; last++) {
      const drawn = this.integers(last + 1);
      seen.add(seen.has(drawn) ? last : drawn);
    }
    return this.#shuffleFrom(1, Int32Array.from(seen));
  }

  /** As `shuffle`, but drawn with Lemire's method and stopped before index `first`: numpy's `_shuffle_int`. */
  #shuffleFrom(first: number, values: Int32Array): Int32Array {
    for (let i = values.length - 1; i >= first; i--) {
      const j = this.integers(i + 1);
      const value = values[i] as number;
      values[i] = values[j] as number;
      values[j] = value;
    }
    return values;
  }
}
