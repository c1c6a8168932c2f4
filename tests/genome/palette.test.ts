import { describe, expect, test } from "vitest";
import {
  livClasses,
  type Options,
  operatorNames,
  operatorOfClass,
  paletteEntry,
  resolveOptions,
} from "../../genome/index.ts";
import { attentionMixing, longConvolution, meanVisibleKeys } from "../../genome/palette/counting.ts";

const mad = { width: 128, length: 128 };

// mad-lab's layers at width 128, counted from its modules (Poli et al. 2024); `3 * length` are Hyena's position features.
test.each([
  ["attention", {}, 66_048],
  ["sliding-attention", {}, 66_048],
  ["linear-attention", {}, 65_824],
  ["linear-attention", { heads: 1 }, 131_584],
  ["hyena", {}, 123_964 + 3 * 128],
  ["mamba", {}, 107_264],
  ["swiglu", {}, 135_168],
  ["mlp", {}, 131_072],
  // LFM2's block: 4 D^2 + 3 D.
  ["gated-short-convolution", {}, 65_920],
] as const)("%s %o has the published number of parameters", (name, options: Options, parameters) => {
  expect(paletteEntry(name).parameters(resolveOptions(name, options), mad)).toBe(parameters);
});

test.each([
  ["attention", {}, 4096, 2 * 128 * 4096],
  ["attention", { kvHeads: 2 }, 4096, 2 * 2 * 8 * 4096],
  ["sliding-attention", {}, 4096, 2 * 128 * 33],
  ["sliding-attention", {}, 20, 2 * 128 * 20],
  ["linear-attention", {}, 4096, 16 * 8 * 8 + 128],
  ["linear-attention", { heads: 1 }, 4096, 128 * 128 + 128],
  // Based: heads x (1 + 16 + 136 features) x (head width + 1).
  ["linear-attention", { heads: 8, featureMap: "taylor", featureDim: 16 }, 4096, 8 * 153 * 17],
  ["mamba", {}, 4096, 256 * 4 + 256 * 3],
  ["gated-short-convolution", {}, 4096, 2 * 128],
  ["gated-short-convolution", {}, 1, 128],
  ["s4d", {}, 4096, 128 * 64],
  ["hyena", {}, 4096, 512 * 4096 + 2 * 384],
  ["monarch-mixer", { residual: false }, 4096, 128 * 4096 + 2 * 384],
  ["swiglu", {}, 4096, 0],
  ["mlp", {}, 4096, 0],
] as const)(
  "%s %o keeps the state of its recurrence or cache after %i tokens",
  (name, options: Options, tokens, elements) => {
    expect(paletteEntry(name).stateElements(resolveOptions(name, options), mad, tokens)).toBe(elements);
  },
);

test.each([
  ["attention", {}, { width: 100, length: 8 }, "heads 16 does not divide width 100"],
  ["attention", { heads: 4, kvHeads: 8 }, mad, "kvHeads 8 does not divide heads 4"],
  ["attention", { heads: 4 }, { width: 12, length: 8 }, "rotary needs an even head width, but 12 / 4 is odd"],
  ["sliding-attention", { heads: 2 }, { width: 9, length: 8 }, "heads 2 does not divide width 9"],
  ["linear-attention", {}, { width: 24, length: 8 }, "heads 16 does not divide width 24"],
  [
    "hyena",
    { innerFactor: 1 },
    { width: 10, length: 8 },
    "projectionGroups 4 does not divide the 30 projected channels",
  ],
] as const)("%s %o names what does not fit %o", (name, options: Options, shape, sentence) => {
  expect(paletteEntry(name).conflict(resolveOptions(name, options), shape)).toBe(sentence);
});

describe("the class table", () => {
  test("holds 22 classes, numbered without a gap", () => {
    expect(Object.keys(livClasses).map(Number)).toEqual(Array.from({ length: 22 }, (_, i) => i + 1));
  });

  test("is frozen: STAR's names stand at STAR's numbers", () => {
    const star = Array.from({ length: 17 }, (_, i) => livClasses[i + 1]?.star);
    expect(star.slice(0, 9)).toEqual([
      "SA-1",
      "SA-2",
      "SA-3",
      "SA-4",
      "Rec-1",
      "Rec-2",
      "GConv-1",
      "GConv-2",
      "GMemless",
    ]);
    expect(star.slice(9)).toEqual(star.slice(0, 8).map((name) => `${name}-Diff`));
  });

  test("reserves exactly the classes without an operator", () => {
    for (const [liv, { name, reserved }] of Object.entries(livClasses)) {
      expect(operatorOfClass(Number(liv))).toBe(reserved ? null : name);
    }
    expect(operatorNames).toHaveLength(10);
  });
});

describe.each(operatorNames)("%s", (name) => {
  const entry = paletteEntry(name);

  test("allows its defaults, and every option has several values", () => {
    expect(Object.keys(entry.options)).toEqual(Object.keys(entry.defaults));
    for (const [option, allowed] of Object.entries(entry.options)) {
      expect(allowed).toContain(entry.defaults[option]);
      expect(new Set(allowed).size).toBe(allowed.length);
      expect(allowed.length).toBeGreaterThan(1);
    }
    expect(entry.conflict(entry.defaults, mad)).toBeNull();
  });

  test("has finite, non-negative costs for every value of every option", () => {
    for (const [option, allowed] of Object.entries(entry.options)) {
      for (const value of allowed) {
        const options = resolveOptions(name, { [option]: value });
        if (entry.conflict(options, mad) !== null) continue;
        expect(Number.isInteger(entry.parameters(options, mad))).toBe(true);
        expect(entry.parameters(options, mad)).toBeGreaterThan(0);
        expect(Number.isInteger(entry.stateElements(options, mad, 4096))).toBe(true);
        expect(entry.flopsPerToken(options, mad)).toBeGreaterThan(0);
      }
    }
  });

  test("never keeps less state after more tokens", () => {
    const elementsAfter = (tokens: number) => entry.stateElements(entry.defaults, mad, tokens);
    expect(elementsAfter(2)).toBeGreaterThanOrEqual(elementsAfter(1));
    expect(elementsAfter(4096)).toBeGreaterThanOrEqual(elementsAfter(100));
  });
});

describe("counting", () => {
  test.each([
    [1, 8],
    [7, 2],
    [7, 0],
    [16, 15],
    [16, 40],
    [33, 8],
  ])("the keys a query sees among %i tokens with window %i are counted one by one", (length, window) => {
    let visible = 0;
    for (let query = 0; query < length; query++) {
      for (let key = 0; key <= query; key++) if (key >= query - window) visible++;
    }
    expect(meanVisibleKeys(length, window)).toBeCloseTo(visible / length, 12);
  });

  test("attention is counted as a loop over heads, queries and keys runs it", () => {
    const [width, heads, length] = [12, 3, 9];
    let operations = 0;
    for (let head = 0; head < heads; head++) {
      for (let query = 0; query < length; query++) {
        for (let key = 0; key <= query; key++) {
          for (let channel = 0; channel < width / heads; channel++) operations += 4; // q.k and p v, multiply and add
        }
      }
    }
    expect(attentionMixing(width, meanVisibleKeys(length))).toBeCloseTo(operations / length, 9);
  });

  test("a long convolution costs two real FFTs of twice the length, padded to a power of two", () => {
    const ofPoints = (n: number, length: number) => (2 * 2.5 * n * Math.log2(n) + 6 * (n / 2)) / length;
    expect(longConvolution(128)).toBe(ofPoints(256, 128));
    expect(longConvolution(129)).toBe(ofPoints(512, 129));
    expect(longConvolution(1)).toBe(ofPoints(2, 1));
  });
});
