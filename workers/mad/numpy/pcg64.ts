// PCG64: a 128-bit linear congruential generator with the output function XSL-RR.
//
// O'Neill 2014, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random Number
// Generation"; numpy's default bit generator. 128-bit numbers are four 32-bit limbs, lowest first.
import { seedWords } from "./seed-sequence.ts";

const multiplier0 = 0x9fccf645;
const multiplier1 = 0x4385df64;
const multiplier2 = 0x1fc65da4;
const multiplier3 = 0x2360ed05;
const perLimb = 2 ** -32;

/** The state as numpy's `bit_generator.state` names it. */
export interface Pcg64State {
  readonly state: bigint;
  readonly inc: bigint;
  readonly has_uint32: 0 | 1;
  readonly uinteger: number;
}

export class Pcg64 {
  /** The halves of the last 64-bit output, as signed 32-bit integers. */
  low = 0;
  high = 0;
  readonly #limbs = new Uint32Array(4);
  readonly #increment = new Uint32Array(4);
  /** The high half of a 64-bit output, kept for the next 32-bit draw; 64-bit draws leave it alone. */
  #buffered = 0;
  #hasBuffered = false;

  constructor(seed: number | bigint) {
    const words = seedWords(seed, 8);
    const start = wide(words.subarray(0, 2)) * 2n ** 64n + wide(words.subarray(2, 4));
    const stream = wide(words.subarray(4, 6)) * 2n ** 64n + wide(words.subarray(6, 8));
    const increment = stream * 2n + 1n;
    narrow(increment, this.#increment);
    narrow(start + increment, this.#limbs);
    this.next();
  }

  /** state <- state * multiplier + increment mod 2^128, then XSL-RR of the new state into `low` and `high`. */
  next(): void {
    const limbs = this.#limbs;
    const increment = this.#increment;
    const a = limbs[0] as number;
    const b = limbs[1] as number;
    const c = limbs[2] as number;
    const d = limbs[3] as number;

    // Low halves of the 32 x 32-bit products are exact integers; a high half is the rounded difference of the
    // product in double precision and its low half, off by less than 2^-20 before rounding.
    const a0 = Math.imul(a, multiplier0) >>> 0;
    const a1 = Math.imul(a, multiplier1) >>> 0;
    const a2 = Math.imul(a, multiplier2) >>> 0;
    const b0 = Math.imul(b, multiplier0) >>> 0;
    const b1 = Math.imul(b, multiplier1) >>> 0;
    const c0 = Math.imul(c, multiplier0) >>> 0;
    const a0High = ((a * multiplier0 - a0) * perLimb + 0.5) >>> 0;
    const a1High = ((a * multiplier1 - a1) * perLimb + 0.5) >>> 0;
    const a2High = ((a * multiplier2 - a2) * perLimb + 0.5) >>> 0;
    const b0High = ((b * multiplier0 - b0) * perLimb + 0.5) >>> 0;
    const b1High = ((b * multiplier1 - b1) * perLimb + 0.5) >>> 0;
    const c0High = ((c * multiplier0 - c0) * perLimb + 0.5) >>> 0;

    const sum0 = a0 + (increment[0] as number);
    const sum1 = a0High + a1 + b0 + (increment[1] as number) + ((sum0 * perLimb) | 0);
    const sum2 = a1High + b0High + a2 + b1 + c0 + (increment[2] as number) + ((sum1 * perLimb) | 0);
    const last =
      Math.imul(a, multiplier3) + Math.imul(b, multiplier2) + Math.imul(c, multiplier1) + Math.imul(d, multiplier0);
    const limb0 = sum0 | 0;
    const limb1 = sum1 | 0;
    const limb2 = sum2 | 0;
    const limb3 = (a2High + b1High + c0High + last + (increment[3] as number) + ((sum2 * perLimb) | 0)) | 0;
    limbs[0] = limb0;
    limbs[1] = limb1;
    limbs[2] = limb2;
    limbs[3] = limb3;

    const rotation = limb3 >>> 26;
    const turned = (rotation & 32) !== 0;
    const x = turned ? limb1 ^ limb3 : limb0 ^ limb2;
    const y = turned ? limb0 ^ limb2 : limb1 ^ limb3;
    const by = rotation & 31;
    this.low = (x >>> by) | ((y << 1) << (31 - by));
    this.high = (y >>> by) | ((x << 1) << (31 - by));
  }

  /** Uniform in [0, 2^32). */
  uint32(): number {
    if (this.#hasBuffered) {
      this.#hasBuffered = false;
      return this.#buffered >>> 0;
    }
    this.next();
    this.#buffered = this.high;
    this.#hasBuffered = true;
    return this.low >>> 0;
  }

  /** Uniform in [0, 2^64). */
  uint64(): bigint {
    this.next();
    return (BigInt(this.high >>> 0) << 32n) | BigInt(this.low >>> 0);
  }

  /** Uniform in [0, 1), 53 bits. */
  double(): number {
    this.next();
    return ((this.high >>> 0) * 2097152 + (this.low >>> 11)) / 9007199254740992;
  }

  state(): Pcg64State {
    return {
      state: wide(this.#limbs),
      inc: wide(this.#increment),
      has_uint32: this.#hasBuffered ? 1 : 0,
      uinteger: this.#buffered >>> 0,
    };
  }
}

function wide(limbs: Uint32Array): bigint {
  return limbs.reduceRight((value, limb) => (value << 32n) | BigInt(limb), 0n);
}

/** The lowest limbs of `value`, as many as fit. */
function narrow(value: bigint, limbs: Uint32Array): void {
  for (let i = 0; i < limbs.length; i++) limbs[i] = Number((value >> BigInt(32 * i)) & 0xffffffffn);
}
