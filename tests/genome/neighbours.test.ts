import { expect, test } from "vitest";
import {
  formatGenome,
  type Grammar,
  neighboursOf,
  operatorEncodings,
  operatorGenome,
  operatorNames,
  paletteEntry,
  parseGenome,
  validateGenome,
} from "../../genome/index.ts";

const grammar: Grammar = {
  depth: 2,
  operators: ["gated-short-convolution", "swiglu"],
  layout: "free",
  shape: { width: 64, length: 32 },
  sharing: true,
};

test("the neighbours are every other operator and every other option", () => {
  const texts = neighboursOf(parseGenome("71111-91111"), grammar).map(({ genome }) => formatGenome(genome));
  expect(texts).toEqual([
    "91111-91111",
    "71111{kernel=4}-91111",
    "71111{kernel=5}-91111",
    "71111{kernel=7}-91111",
    "71111-71111",
  ]);
});

test("a neighbour of a genome that shares is valid: members that differ no longer share", () => {
  const found = neighboursOf(parseGenome("71211-71211"), grammar);
  for (const { genome } of found) validateGenome(genome, grammar.shape);
  expect(found.map(({ genome }) => formatGenome(genome))).toContain("71111{kernel=4}-71111");
});

test("operator genomes are STAR's, and every operator has one with the groups that it shares", () => {
  expect([1, 5, 7, 8, 9].map(operatorGenome)).toEqual(["12123", "54111", "73111", "83111", "91142"]);
  for (const name of operatorNames) {
    const { liv, features } = paletteEntry(name);
    expect(operatorGenome(liv)).toMatch(/^[0-9]{5}$/);
    expect(operatorEncodings[liv]?.groups).toEqual(expect.arrayContaining([...(features?.groups ?? [])]));
  }
});
