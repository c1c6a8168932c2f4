import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatGenome,
  type Grammar,
  leastDepth,
  type Motif,
  motifMoves,
  paletteEntry,
  parseGenome,
  Random,
  repairGenome,
  validateGenome,
} from "../../genome/index.ts";
import { moveMotif } from "../../genome/variation/motifs.ts";
import { sampledGenomes } from "./arbitraries.ts";
import { runSearch, setupOf } from "./landscape.ts";

const grammar: Grammar = {
  depth: 8,
  minDepth: 2,
  operators: ["attention", "mamba", "gated-short-convolution", "hyena", "swiglu", "mlp"],
  layout: "free",
  shape: { width: 64, length: 32 },
};
/** Six positions, each its own class. */
const genome = parseGenome("11111-51111-71111-81111-91111-[22]1111");
const classes = (segments: readonly { liv: number }[]) => segments.map(({ liv }) => liv);
const drawn = Array.from({ length: 3000 }, (_, seed) => moveMotif(genome, grammar, new Random(seed))!);
const of = (move: Motif["move"]) => drawn.filter(({ motif }) => motif.move === move);

test("every move is drawn about equally often", () => {
  for (const move of motifMoves) expect(Math.abs(of(move).length - 600)).toBeLessThan(110); // 5 standard deviations
});

describe("by hand, on 1 5 7 8 9 22", () => {
  const results = (move: Motif["move"], wanted: Omit<Motif, "move">) =>
    of(move)
      .filter(({ motif }) => motif.from === wanted.from && motif.to === wanted.to && motif.length === wanted.length)
      .map((made) => classes(made.genome.segments).join(" "));

  test.each([
    ["copy", { from: 0, to: 3, length: 2 }, "1 5 7 1 5 22"],
    ["copy", { from: 0, to: 1, length: 3 }, "1 1 5 7 9 22"], // overlapping: the original as it was
    ["swap", { from: 0, to: 4, length: 2 }, "9 22 7 8 1 5"],
    ["stripe", { from: 0, to: 2, length: 2 }, "1 5 1 5 1 5"],
    ["stripe", { from: 1, to: 3, length: 2 }, "1 5 7 5 7 5"],
    ["insert", { from: 0, to: 6, length: 2 }, "1 5 7 8 9 22 1 5"],
    ["insert", { from: 2, to: 1, length: 1 }, "1 7 5 7 8 9 22"],
    ["delete", { from: 2, to: 2, length: 1 }, "1 5 8 9 22"],
  ] as const)("%s %j is %s", (move, wanted, expected) => {
    const made = results(move, wanted);
    expect(made.length).toBeGreaterThan(0);
    expect(new Set(made)).toEqual(new Set([expected]));
  });
});

test("a moved genome keeps to the depth, needs repair at most, and is the same for the same seed", () => {
  fc.assert(
    fc.property(sampledGenomes, fc.integer(), (sampled, seed) => {
      const made = moveMotif(sampled.genome, sampled.grammar, new Random(seed));
      if (made === null) {
        // Nothing to copy and no room to grow or shrink: one unit, and a depth that is fixed within it.
        expect(sampled.genome.segments.length).toBeLessThan(4);
        return;
      }
      const { length } = made.genome.segments;
      expect(length).toBeLessThanOrEqual(sampled.grammar.depth);
      expect(length).toBeGreaterThanOrEqual(leastDepth(sampled.grammar));
      const repaired = repairGenome(made.genome, sampled.grammar);
      validateGenome(repaired, sampled.grammar.shape);
      expect(repaired.segments).toHaveLength(length);
      expect(classes(repaired.segments)).toEqual(classes(made.genome.segments)); // pairs stay pairs
      expect(moveMotif(sampled.genome, sampled.grammar, new Random(seed))).toEqual(made);
    }),
    { numRuns: 3000 },
  );
});

test("a fixed depth is kept, and a lone position cannot move", () => {
  const { minDepth: _, ...fixed } = { ...grammar, depth: 6 };
  const moves = Array.from({ length: 200 }, (_, seed) => moveMotif(genome, fixed, new Random(seed))!);
  expect(new Set(moves.map(({ motif }) => motif.move))).toEqual(new Set(["copy", "swap", "stripe"]));
  expect(new Set(moves.map((made) => made.genome.segments.length))).toEqual(new Set([6]));
  expect(moveMotif(parseGenome("11111"), { ...fixed, depth: 1 }, new Random(1))).toBeNull();
});

test("in pairs a motif is whole pairs", () => {
  const pairs: Grammar = { ...grammar, layout: "pairs", depth: 8, minDepth: 2 };
  const start = parseGenome("11111-91111-51111-[22]1111-81111-91111");
  for (let seed = 0; seed < 300; seed++) {
    const made = moveMotif(start, pairs, new Random(seed))!;
    for (const number of [made.motif.from, made.motif.to, made.motif.length]) expect(number % 2).toBe(0);
    made.genome.segments.forEach(({ liv }, position) => {
      const name = (["attention", "mamba", "hyena", "swiglu", "mlp"] as const).find(
        (n) => paletteEntry(n).liv === liv,
      )!;
      expect(paletteEntry(name).mixes).toBe(position % 2 === 0 ? "sequence" : "channel");
    });
  }
});

test("a copy of what shares weights shares them too", () => {
  const shared = parseGenome("11211-91111-11211-71111");
  const copied = Array.from(
    { length: 400 },
    (_, seed) => moveMotif(shared, { ...grammar, depth: 4, minDepth: 4 }, new Random(seed))!,
  )
    .filter(({ motif }) => motif.move === "copy" && motif.length === 1 && motif.from === 0 && motif.to === 3)
    .map((made) => formatGenome(repairGenome(made.genome, { ...grammar, sharing: true })));
  expect(new Set(copied)).toEqual(new Set(["11211-91111-11211-11211"]));
});

test("a child records the motif that was moved, and evolution of free depth reaches every depth", () => {
  const base = setupOf("nsga2-steady-state");
  const setup = { ...base, grammar: { ...base.grammar, minDepth: 3 }, options: { ...base.options, motifRate: 0.5 } };
  const { proposals } = runSearch(setup, 1, 200);
  const bred = proposals.filter(({ variation }) => variation.parents.length > 0);
  const moved = bred.filter(({ variation }) => variation.motif !== undefined);
  expect(Math.abs(moved.length / bred.length - 0.5)).toBeLessThan(0.2);
  expect(new Set(moved.map(({ variation }) => variation.motif?.move))).toEqual(new Set(motifMoves));
  expect(new Set(proposals.map(({ genome: text }) => text.split("-").length))).toEqual(new Set([3, 4, 5, 6]));
});
