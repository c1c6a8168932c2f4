// MT19937, the generator behind numpy's legacy `np.random.*` functions.
//
// Matsumoto and Nishimura 1998, "Mersenne Twister"; seeded as init_genrand does.

const size = 624;
const middle = 397;

export class Mt19937 {
  readonly #words = new Int32Array(size);
  #position = size;

  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
      throw new RangeError(`legacy seed ${seed}: must be an integer in [0, 2^32)`);
    }
    let word = seed | 0;
    for (let i = 0; i < size; i++) {
      this.#words[i] = word;
      word = (Math.imul(1812433253, word ^ (word >>> 30)) + i + 1) | 0;
    }
  }

  /** Uniform in [0, 2^32). */
  uint32(): number {
    if (this.#position === size) this.#refill();
    let word = this.#words[this.#position++] as number;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  /** Uniform in [0, 1), 53 bits from two draws. */
  double(): number {
    const high = this.uint32() >>> 5;
    return (high * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  #refill(): void {
    const words = this.#words;
    for (let i = 0; i < size; i++) {
      const joined = ((words[i] as number) & 0x80000000) | ((words[(i + 1) % size] as number) & 0x7fffffff);
      const twisted = (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
      words[i] = (words[(i + middle) % size] as number) ^ twisted;
    }
    this.#position = 0;
  }
}
