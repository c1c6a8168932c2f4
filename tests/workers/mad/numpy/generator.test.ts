// Expected numbers without another source are numpy 2.4.6's own (`default_rng(12345)`).
import { describe, expect, test } from "vitest";
import { Generator } from "../../../../workers/mad/numpy/generator.ts";
import { Pcg64 } from "../../../../workers/mad/numpy/pcg64.ts";

const numpy = {
  floyd: [8, 4, 5, 0, 1, 6, 9, 2, 7, 3],
  tail: [1697, 8114, 15831, 19607, 753, 8287, 9944, 2806],
  weighted: [1, 2, 4, 4, 2, 2, 2, 1, 4, 4, 1, 4],
  weightedDistinct: [1, 2, 4, 0, 3],
};
const mask64 = 2n ** 64n - 1n;
const mask128 = 2n ** 128n - 1n;

describe("PCG64", () => {
  test("limb arithmetic equals 128-bit arithmetic over many steps", () => {
    const bits = new Pcg64(2n ** 70n + 11n);
    const { state: start, inc } = bits.state();
    let state = start;
    for (let i = 0; i < 20_000; i++) {
      state = (state * 0x2360ed051fc65da44385df649fccf645n + inc) & mask128;
      const folded = (state >> 64n) ^ (state & mask64);
      const rotation = state >> 122n;
      expect(bits.uint64()).toBe(((folded >> rotation) | (folded << (64n - rotation))) & mask64);
    }
    expect(bits.state().state).toBe(state);
  });

  test("a 32-bit draw takes the low half and leaves the high one for the next, across 64-bit draws", () => {
    const halves = new Pcg64(3);
    const whole = new Pcg64(3);
    const first = whole.uint64();
    const second = whole.uint64();
    expect(halves.uint32()).toBe(Number(first & 0xffffffffn));
    expect(halves.uint64()).toBe(second);
    expect(halves.state()).toMatchObject({ has_uint32: 1 });
    expect(halves.uint32()).toBe(Number(first >> 32n));
  });

  test("seeds beyond 2^53 are bigints, and others are refused", () => {
    expect(new Generator(2n ** 200n + 9n).random()).toBe(new Generator(2n ** 200n + 9n).random());
    for (const seed of [-1, 1.5, Number.NaN, 2 ** 53]) expect(() => new Generator(seed)).toThrow(RangeError);
  });
});

describe("Generator", () => {
  test("choice without replacement: Floyd's sampling for few, a shuffled tail for many of a large population", () => {
    expect([...new Generator(12345).choices(10, 10, { replace: false })]).toEqual(numpy.floyd);
    const tail = new Generator(12345).choices(20_000, 401, { replace: false });
    expect([...tail].slice(0, 8)).toEqual(numpy.tail);
    expect(new Set(tail).size).toBe(401);
  });

  test("choice with probabilities, with and without replacement", () => {
    const p = [0.1, 0.2, 0.3, 0.05, 0.35];
    expect([...new Generator(12345).choices(5, 12, { p })]).toEqual(numpy.weighted);
    expect([...new Generator(12345).choices(5, 5, { p, replace: false })]).toEqual(numpy.weightedDistinct);
  });

  test("impossible choices say what is wrong", () => {
    const generator = new Generator(0);
    expect(() => generator.choices(3, 4, { replace: false })).toThrow("4 different values asked of 3");
    expect(() => generator.choices(3, 2, { p: [1, 0, 0], replace: false })).toThrow("2 different values asked of 1");
    expect(() => generator.choices(3, 1, { p: [1, 0] })).toThrow("2 probabilities for 3 values");
    expect(() => generator.integers(0)).toThrow("integers(0)");
  });

  test("bounded integers are uniform enough to be Lemire's and not a plain modulo", () => {
    const generator = new Generator(1);
    const counts = [0, 0, 0];
    for (let i = 0; i < 30_000; i++) counts[generator.integers(3)]!++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400); // five standard deviations
  });
});
