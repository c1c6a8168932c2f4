// Random grammars and genomes for property tests.
import fc from "fast-check";
import {
  checkGrammar,
  type Genome,
  type Grammar,
  operatorNames,
  Random,
  type Segment,
  sampleGenome,
} from "../../genome/index.ts";
import { mutateGenome } from "../../genome/variation/mutate.ts";

const widths = [8, 9, 12, 16, 17, 32, 48, 64, 100, 128, 768];

/** Grammars in which every position has an operator. */
export const grammars: fc.Arbitrary<Grammar> = fc
  .record(
    {
      depth: fc.integer({ min: 1, max: 9 }),
      operators: fc.subarray(operatorNames, { minLength: 1 }),
      layout: fc.constantFrom("free" as const, "pairs" as const),
      sharing: fc.boolean(),
      minDepth: fc.integer({ min: 1, max: 9 }),
      mutability: fc.array(fc.constantFrom(0, 0.5, 1, 3), { minLength: 1, maxLength: 4 }),
      shape: fc.record({ width: fc.constantFrom(...widths), length: fc.integer({ min: 1, max: 300 }) }),
    },
    { requiredKeys: ["depth", "operators", "layout", "sharing", "shape"] },
  )
  .filter((grammar) => {
    try {
      checkGrammar(grammar);
      return true;
    } catch {
      return false;
    }
  });

const anyNumber = fc.oneof(fc.integer({ min: -3, max: 30 }), fc.integer(), fc.double());
const anyOptions = fc.dictionary(
  fc.constantFrom(
    "heads",
    "kvHeads",
    "rotary",
    "window",
    "featureMap",
    "stateSize",
    "kernel",
    "nonsense",
    "constructor",
  ),
  fc.oneof(
    fc.constantFrom<number | string | boolean>(0, 1, 2, 4, 8, 16, 32, 64, true, false, "elu", "taylor", "lin"),
    fc.integer(),
  ),
);

/** Anything with the fields of a genome: wrong classes, groups, strategies and options, any number of segments. */
export const looseGenomes: fc.Arbitrary<Genome> = fc.record({
  segments: fc.array(
    fc.record(
      {
        liv: anyNumber,
        featurizerGroup: anyNumber,
        featurizerStrategy: anyNumber,
        featureGroup: anyNumber,
        featureStrategy: anyNumber,
        options: anyOptions,
      },
      { requiredKeys: ["liv", "featurizerGroup", "featurizerStrategy", "featureGroup", "featureStrategy"] },
    ) as fc.Arbitrary<Segment>,
    { maxLength: 12 },
  ),
});

/** A grammar with a genome of it, which shares where the grammar lets it. */
export const sampledGenomes: fc.Arbitrary<{ grammar: Grammar; genome: Genome }> = fc
  .tuple(grammars, fc.integer({ min: 0 }))
  .map(([grammar, seed]) => {
    const random = new Random(seed);
    return { grammar, genome: mutateGenome(sampleGenome(grammar, random), grammar, 0.3, random) };
  });
