import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatGenome, GenomeError, parseGenome } from "../../genome/index.ts";
import { sampledGenomes } from "./arbitraries.ts";

test("five digits are a segment: class, featurizer group and strategy, feature group and strategy", () => {
  expect(parseGenome("12131").segments).toEqual([
    { liv: 1, featurizerGroup: 2, featurizerStrategy: 1, featureGroup: 3, featureStrategy: 1 },
  ]);
});

test("integers from ten stand in brackets, options in braces", () => {
  const { segments } = parseGenome(
    "[18]1111{heads=8,window=64}-1[12]111{kvHeads=2,rotary=false}-[19]1111{featureMap=elementwise-product}",
  );
  expect(segments.map(({ liv }) => liv)).toEqual([18, 1, 19]);
  expect(segments[1]?.featurizerGroup).toBe(12);
  expect(segments.map(({ options }) => options)).toEqual([
    { heads: 8, window: 64 },
    { kvHeads: 2, rotary: false },
    { featureMap: "elementwise-product" },
  ]);
});

test("the canonical text sorts options, leaves defaults out and brackets only what needs it", () => {
  const text = " [1]1111{rotary=false,kvHeads=2,heads=16}-[9]1111{}-[22]1111{expansion=8} ";
  expect(formatGenome(parseGenome(text))).toBe("11111{kvHeads=2,rotary=false}-91111-[22]1111{expansion=8}");
});

test("what is printed is read back as the same genome", () => {
  fc.assert(
    fc.property(sampledGenomes, ({ genome, grammar }) => {
      expect(parseGenome(formatGenome(genome), grammar.shape)).toEqual(genome);
    }),
    { numRuns: 1000 },
  );
});

test("no text makes the parser fail in any other way than by a GenomeError", () => {
  const pieces = fc.constantFrom(
    "1",
    "9",
    "11111",
    "[18]",
    "[",
    "]",
    "{",
    "}",
    "=",
    ",",
    "-",
    "heads=8",
    "é",
    " ",
    "[99999999]",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(pieces).map((list) => list.join("")),
      ),
      (text) => {
        try {
          parseGenome(text);
        } catch (error) {
          expect(error).toBeInstanceOf(GenomeError);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

describe("errors name the segment, the value and what is allowed", () => {
  test.each([
    ["", "segment 1: expected five integers", ""],
    ["11111-", "segment 2: expected five integers", ""],
    [
      "1111",
      'segment 1: expected five integers, each a digit or up to six digits in "[ ]"; at character 5 found the end',
      "",
    ],
    ["111112", 'segment 1: expected "-", "{" or the end; at character 6 found "2"', ""],
    ["[1234567]1111", "segment 1: expected five integers", ""],
    ["[-1]1111", "segment 1: expected five integers", ""],
    [
      "11111-[97]1111",
      "segment 2: LIV class 97 is not in the palette (allowed: 1, 5, 7, 8, 9, 18, 19, 20, 21, 22)",
      "/segments/1/liv",
    ],
    ["01111", "segment 1: LIV class 0 is not in the palette", "/segments/0/liv"],
    [
      "31111",
      "segment 1: LIV class 3 (SA-3) is reserved, no operator computes it yet (allowed: 1, 5,",
      "/segments/0/liv",
    ],
    ["[10]1111", "segment 1: LIV class 10 (SA-1-Diff) is reserved", "/segments/0/liv"],
    ["10111", "segment 1: featurizerGroup 0 is not in 1-256", "/segments/0/featurizerGroup"],
    ["111[257]1", "segment 1: featureGroup 257 is not in 1-256", "/segments/0/featureGroup"],
    [
      "91111-11311",
      "segment 2: attention: featurizerStrategy 3 is not supported (allowed: 1 = nothing is shared, 2 = all weights but",
      "/segments/1/featurizerStrategy",
    ],
    [
      "11113",
      "segment 1: attention: featureStrategy 3 is not supported (allowed: 1 = nothing is shared, 2 = feature groups B and V are shared)",
      "/segments/0/featureStrategy",
    ],
    [
      "91112",
      "segment 1: swiglu: featureStrategy 2 is not supported (allowed: 1 = nothing is shared)",
      "/segments/0/featureStrategy",
    ],
    [
      "11211-91211",
      "segment 2: featurizerGroup 1 is led by segment 1, but only segments of the same class and options can share",
      "/segments/1/featurizerGroup",
    ],
    [
      "11112-11112{heads=8}",
      "segment 2: featureGroup 1 is led by segment 1, but only segments of the same class and options can share",
      "/segments/1/featureGroup",
    ],
    [
      "11212-11212",
      "segment 1: featurizerGroup 1 and featureGroup 1 both share (allowed: one of the two)",
      "/segments/0/featureGroup",
    ],
    [
      "11111{heads=3}",
      "segment 1: attention: heads 3 is not allowed (allowed: 1, 2, 4, 8, 16)",
      "/segments/0/options/heads",
    ],
    ["91111{heads=4}", "segment 1: swiglu has no option heads (allowed: none)", "/segments/0/options/heads"],
    [
      "11111{constructor=1}",
      "segment 1: attention has no option constructor (allowed: heads, kvHeads, rotary)",
      "/segments/0/options/constructor",
    ],
    ["11111{__proto__=1}", "segment 1: expected an option as name=value", ""],
    ["11111{heads=8,heads=4}", "segment 1: option heads is given twice", ""],
    ["11111{heads}", "segment 1: expected an option as name=value", ""],
    ["11111{heads=}", "segment 1: expected a value of option heads", ""],
    ["11111{heads=8", 'segment 1: expected "," or "}" in the options; at character 14 found the end', ""],
  ])("%s", (text, message, pointer) => {
    let caught: unknown;
    try {
      parseGenome(text);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(GenomeError);
    expect((caught as GenomeError).message).toContain(message);
    expect((caught as GenomeError).pointer).toBe(pointer);
  });

  test("options that do not fit the shape are refused where a shape is given", () => {
    const shape = { width: 24, length: 16 };
    expect(() => parseGenome("91111-11111", shape)).toThrow("segment 2: attention: heads 16 does not divide width 24");
    expect(() => parseGenome("91111-11111")).not.toThrow();
  });
});

test("a genome beyond the limits is refused before it is read", () => {
  const longest = Array.from({ length: 256 }, () => "91111").join("-");
  expect(parseGenome(longest).segments).toHaveLength(256);
  expect(() => parseGenome(`${longest}-91111`)).toThrow("a genome has at most 256 segments");
  expect(() => parseGenome("1".repeat(20_001))).toThrow("a genome has at most 20000 characters, this one has 20001");
});
