import { expect, test } from "vitest";
import { fitGenome, formatGenome, genomeCosts, knownDesigns, parseGenome, segmentCosts } from "../../genome/index.ts";

const mad = { width: 128, length: 128 };
const attentions = (count: number) => parseGenome(Array.from({ length: count }, () => "11111-91111").join("-"));

// Published cache sizes of the STAR paper's Transformer++: 805 MB at 1B (24 attentions, width 2048, 4,096 tokens, bf16),
// and by the same formula 151 MB at 125M (12 attentions, width 768).
test("a Transformer++ keeps the published number of bytes", () => {
  expect(genomeCosts(attentions(24), { width: 2048, length: 4096 }, 4096).stateBytes).toBe(805_306_368);
  expect(genomeCosts(attentions(12), { width: 768, length: 4096 }, 4096).stateBytes).toBe(150_994_944);
});

test("the whole costs what its segments cost", () => {
  const genome = parseGenome("81111-91111-11111{kvHeads=2}-[22]1111");
  const parts = segmentCosts(genome, mad, 4096);
  expect(parts.map(({ operator }) => operator)).toEqual(["hyena", "swiglu", "attention", "mlp"]);
  // Hyena, SwiGLU, attention with 2 of 16 key heads (14 heads x 8 channels x 2 fewer rows of 128 + bias), MLP.
  expect(parts.map(({ parameters }) => parameters)).toEqual([124_348, 135_168, 66_048 - 14 * 8 * 2 * 129, 131_072]);
  const whole = genomeCosts(genome, mad, 4096);
  for (const key of ["parameters", "stateBytes", "flopsPerToken"] as const) {
    expect(whole[key]).toBe(parts.reduce((sum, part) => sum + part[key], 0));
  }
});

test("grouped key heads shrink the cache in proportion", () => {
  const bytes = (text: string) => genomeCosts(parseGenome(text), mad, 4096).stateBytes;
  expect(bytes("11111{kvHeads=4}")).toBe(bytes("11111") / 4);
});

test.each(Object.entries(knownDesigns))("%s is a valid genome of four positions at MAD's shape", (_, { genome }) => {
  expect(formatGenome(parseGenome(genome, mad))).toBe(genome);
  expect(parseGenome(genome).segments).toHaveLength(4);
});

// Parameters from mad-lab's layers, twice or once each.
test.each([
  ["transformer++", 2 * 66_048 + 2 * 135_168],
  ["hyena", 2 * 124_348 + 2 * 135_168],
  ["mamba", 2 * 107_264 + 2 * 135_168],
  ["striped-hyena", 124_348 + 66_048 + 2 * 135_168],
  ["striped-mamba", 107_264 + 66_048 + 2 * 135_168],
  // Queries and keys of 16 heads with 16 features, values and output of width 128.
  ["based", 2 * 128 * 256 + 2 * 128 * 128 + 66_048 + 2 * 135_168],
] as const)("%s has %i parameters at width 128 and length 128", (name, parameters) => {
  expect(genomeCosts(parseGenome(knownDesigns[name].genome), mad, 4096).parameters).toBe(parameters);
});

test("a known design fits a small width with the nearest options", () => {
  const small = { width: 8, length: 16 };
  const design = parseGenome(knownDesigns["transformer++"].genome);
  expect(formatGenome(fitGenome(design, small))).toBe("11111{heads=4}-91111-11111{heads=4}-91111");
  expect(fitGenome(design, mad)).toEqual(design);
});
