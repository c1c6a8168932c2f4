// Repair turns anything shaped like a genome into a valid genome of a grammar. It never fails and changes as little as
// it can; a valid genome passes unchanged but for its writing (`canonicalGenome`), so repairing twice is repairing once.
import { canonicalGenome } from "../canonical.ts";
import { fitOptions, type Grammar, leastDepth, operatorsAt } from "../grammar.ts";
import { operatorNames, operatorOfClass, paletteEntry } from "../palette/index.ts";
import { donorsOf, unshared } from "../sharing.ts";
import type { Genome, ModelShape, Segment } from "../types.ts";
import { canShare, maxSegments, strategiesOf } from "../validate.ts";

const emptySegment: Segment = {
  liv: 0,
  featurizerGroup: 1,
  featurizerStrategy: unshared,
  featureGroup: 1,
  featureStrategy: unshared,
};

/**
 * A valid, canonical genome of the grammar, which must have passed `checkGrammar`. Any numbers may stand in the
 * segments. Surplus segments are cut, missing ones repeat the genome from its start; no genome at all becomes a full one.
 */
export function repairGenome(genome: Genome, grammar: Grammar): Genome {
  const given = genome.segments.length > 0 ? genome.segments : [emptySegment];
  const length = Math.max(leastDepth(grammar), Math.min(grammar.depth, genome.segments.length || grammar.depth));
  const segments = Array.from({ length }, (_, position) =>
    repairSegment(given[position % given.length]!, position, grammar),
  );
  return canonicalGenome({ segments: repairSharing(segments) });
}

/** The same genome with options changed where they do not fit the shape: a known design at a small width. */
export function fitGenome(genome: Genome, shape: ModelShape): Genome {
  return repairGenome(genome, {
    depth: genome.segments.length,
    operators: operatorNames,
    layout: "free",
    shape,
    sharing: true,
  });
}

function repairSegment(segment: Segment, position: number, grammar: Grammar): Segment {
  const allowed = operatorsAt(grammar, position);
  const present = operatorOfClass(segment.liv);
  const operator =
    present !== null && allowed.includes(present) ? present : allowed[wrap(segment.liv, allowed.length)]!;
  const options = fitOptions(operator, segment.options ?? {}, grammar.shape)!;
  const strategies = grammar.sharing ? strategiesOf(operator) : { featurizerStrategy: [], featureStrategy: [] };
  return {
    liv: paletteEntry(operator).liv,
    featurizerGroup: 1 + wrap(segment.featurizerGroup - 1, maxSegments),
    featurizerStrategy: repairStrategy(segment.featurizerStrategy, strategies.featurizerStrategy),
    featureGroup: 1 + wrap(segment.featureGroup - 1, maxSegments),
    featureStrategy: repairStrategy(segment.featureStrategy, strategies.featureStrategy),
    options,
  };
}

function repairStrategy(strategy: number, allowed: readonly { readonly strategy: number }[]): number {
  return allowed.some((known) => known.strategy === strategy) ? strategy : unshared;
}

/** Members that do not match their donor leave the group; where both kinds remain, weights go before features. */
function repairSharing(given: readonly Segment[]): Segment[] {
  const featurizers = donorsOf({ segments: given }, "featurizer");
  const weighted = given.map((segment, index) => {
    const donor = featurizers[index] ?? null;
    const matches = donor !== null && canShare(given[donor]!, segment);
    return matches ? segment : { ...segment, featurizerStrategy: unshared };
  });
  const settled = donorsOf({ segments: weighted }, "featurizer");
  const single = weighted.map((segment, index) =>
    (settled[index] ?? null) === null ? segment : { ...segment, featureStrategy: unshared },
  );
  const features = donorsOf({ segments: single }, "features");
  return single.map((segment, index) => {
    const donor = features[index] ?? null;
    const matches = donor !== null && canShare(single[donor]!, segment);
    return matches ? segment : { ...segment, featureStrategy: unshared };
  });
}

/** Any number to an integer in [0, bound). */
function wrap(value: number, bound: number): number {
  const integer = Number.isFinite(value) ? Math.trunc(value) : 0;
  return ((integer % bound) + bound) % bound;
}
