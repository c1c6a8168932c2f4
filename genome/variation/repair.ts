// Repair turns anything shaped like a genome into a valid genome of a grammar. It never fails and changes as little as
// it can; a valid genome passes unchanged but for its writing (`canonicalGenome`), so repairing twice is repairing once.
import { canonicalGenome } from "../canonical.ts";
import { fitOptions, type Grammar, operatorsAt } from "../grammar.ts";
import { operatorNames, operatorOfClass, paletteEntry } from "../palette/index.ts";
import type { Genome, ModelShape, Segment } from "../types.ts";
import { maxSegments, sharingStrategies, unshared } from "../validate.ts";

const emptySegment: Segment = {
  liv: 0,
  featurizerGroup: 1,
  featurizerStrategy: unshared,
  featureGroup: 1,
  featureStrategy: unshared,
};

/**
 * A valid, canonical genome of the grammar, which must have passed `checkGrammar`. Any numbers may stand in the
 * segments. Surplus segments are cut, missing ones repeat the genome from its start.
 */
export function repairGenome(genome: Genome, grammar: Grammar): Genome {
  const given = genome.segments.length > 0 ? genome.segments : [emptySegment];
  const segments = Array.from({ length: grammar.depth }, (_, position) =>
    repairSegment(given[position % given.length]!, position, grammar),
  );
  return canonicalGenome({ segments });
}

/** The same genome with options changed where they do not fit the shape: a known design at a small width. */
export function fitGenome(genome: Genome, shape: ModelShape): Genome {
  return repairGenome(genome, { depth: genome.segments.length, operators: operatorNames, layout: "free", shape });
}

function repairSegment(segment: Segment, position: number, grammar: Grammar): Segment {
  const allowed = operatorsAt(grammar, position);
  const present = operatorOfClass(segment.liv);
  const operator =
    present !== null && allowed.includes(present) ? present : allowed[wrap(segment.liv, allowed.length)]!;
  const options = fitOptions(operator, segment.options ?? {}, grammar.shape)!;
  return {
    liv: paletteEntry(operator).liv,
    featurizerGroup: 1 + wrap(segment.featurizerGroup - 1, maxSegments),
    featurizerStrategy: repairStrategy(segment.featurizerStrategy),
    featureGroup: 1 + wrap(segment.featureGroup - 1, maxSegments),
    featureStrategy: repairStrategy(segment.featureStrategy),
    options,
  };
}

function repairStrategy(strategy: number): number {
  return sharingStrategies.includes(strategy) ? strategy : unshared;
}

/** Any number to an integer in [0, bound). */
function wrap(value: number, bound: number): number {
  const integer = Number.isFinite(value) ? Math.trunc(value) : 0;
  return ((integer % bound) + bound) % bound;
}
