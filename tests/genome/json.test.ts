import fc from "fast-check";
import { expect, test } from "vitest";
import { GenomeError, genomeFromJson, parseGenome } from "../../genome/index.ts";
import { sampledGenomes } from "./arbitraries.ts";

test("JSON and back is the same genome", () => {
  fc.assert(
    fc.property(sampledGenomes, ({ genome, grammar }) => {
      expect(genomeFromJson(JSON.parse(JSON.stringify(genome)), grammar.shape)).toEqual(genome);
    }),
    { numRuns: 500 },
  );
});

test("groups and strategies may be left out and are 1, empty options vanish", () => {
  expect(genomeFromJson({ segments: [{ liv: 9, options: {} }] })).toEqual(parseGenome("91111"));
});

test.each([
  [null, "", "Invalid input"],
  [{}, "/segments", "Invalid input"],
  [{ segments: [] }, "/segments", "Too small"],
  [{ segments: Array.from({ length: 257 }, () => ({ liv: 9 })) }, "/segments", "Too big"],
  [{ segments: [{ liv: 9 }], extra: 1 }, "", "Unrecognized key"],
  [{ segments: [{ liv: 9, heads: 4 }] }, "/segments/0", "Unrecognized key"],
  [{ segments: [{ liv: 9.5 }] }, "/segments/0/liv", "expected int"],
  [{ segments: [{ liv: Number.NaN }] }, "/segments/0/liv", "Invalid input"],
  [{ segments: [{ liv: -1 }] }, "/segments/0/liv", "Too small"],
  [{ segments: [{ liv: "9" }] }, "/segments/0/liv", "expected number"],
  [{ segments: [{ liv: 9 }, { liv: 4 }] }, "/segments/1/liv", "segment 2: LIV class 4 (SA-4) is reserved"],
  [{ segments: [{ liv: 1, options: { heads: 5 } }] }, "/segments/0/options/heads", "heads 5 is not allowed"],
  [{ segments: [{ liv: 1, options: { heads: "8" } }] }, "/segments/0/options/heads", "heads 8 is not allowed"],
  [{ segments: [{ liv: 1, options: { constructor: 5 } }] }, "/segments/0/options/constructor", "no option constructor"],
  [{ segments: [{ liv: 1, options: { heads: { $gt: 1 } } }] }, "/segments/0/options/heads", "Invalid input"],
])("%j is refused with a pointer and a reason", (value, pointer, message) => {
  let caught: unknown;
  try {
    genomeFromJson(value);
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(GenomeError);
  expect((caught as GenomeError).message).toContain(message);
  expect((caught as GenomeError).pointer).toBe(pointer);
});

test.each([
  '{"__proto__": 1, "segments": [{"liv": 9}]}',
  '{"segments": [{"liv": 1, "options": {"__proto__": {"heads": 1}}}]}',
])("a key named __proto__ is refused: %s", (text) => {
  expect(() => genomeFromJson(JSON.parse(text))).toThrow("a key may not be named __proto__");
  expect(({} as Record<string, unknown>).heads).toBeUndefined();
});

test("deep or endless input is refused without being walked", () => {
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = { segments: deep };
  expect(() => genomeFromJson(deep)).toThrow(GenomeError);
});
