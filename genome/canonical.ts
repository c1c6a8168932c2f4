// One way to write each genome, and one hash for all genomes that mean the same model.
import { paletteEntry, resolveOptions } from "./palette/index.ts";
import { sha256 } from "./sha256.ts";
import { donorsOf, unshared } from "./sharing.ts";
import { formatGenome } from "./text.ts";
import type { Genome, Options, Segment } from "./types.ts";
import { operatorOfSegment } from "./validate.ts";

/**
 * Defaults left out, options in order, groups that share numbered 1, 2, 3 ... as they first appear; what shares nothing
 * is in group 1 with strategy 1. Throws on unknown classes.
 */
export function canonicalGenome(genome: Genome): Genome {
  const featurizerGroups = firstAppearance();
  const featureGroups = firstAppearance();
  const featurizers = donorsOf(genome, "featurizer");
  const features = donorsOf(genome, "features");
  const segments = genome.segments.map((segment, index): Segment => {
    const featurizer = featurizers[index] ?? null;
    const feature = features[index] ?? null;
    const integers = {
      liv: segment.liv,
      featurizerGroup: featurizer === null ? 1 : featurizerGroups(featurizer),
      featurizerStrategy: featurizer === null ? unshared : segment.featurizerStrategy,
      featureGroup: feature === null ? 1 : featureGroups(feature),
      featureStrategy: feature === null ? unshared : segment.featureStrategy,
    };
    const options = canonicalOptions(segment, index);
    return Object.keys(options).length === 0 ? integers : { ...integers, options };
  });
  return { segments };
}

/** SHA-256 (hex) of the text of `canonicalGenome`. Equal models have equal hashes. */
export function genomeHash(genome: Genome): string {
  return sha256(formatGenome(canonicalGenome(genome)));
}

/** The options of a segment that are not the default, in order and in their one way of writing. */
export function canonicalOptions(segment: Segment, index: number): Options {
  const operator = operatorOfSegment(segment, index);
  const entry = paletteEntry(operator);
  const resolved = resolveOptions(operator, segment.options);
  const options = entry.canonical?.(resolved) ?? resolved;
  return Object.fromEntries(
    Object.entries(options)
      .filter(([name, value]) => entry.defaults[name] !== value)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Numbers things 1, 2, 3 ... in the order in which they are first asked for. */
function firstAppearance(): (group: number) => number {
  const numbers = new Map<number, number>();
  return (group) => {
    const number = numbers.get(group) ?? numbers.size + 1;
    numbers.set(group, number);
    return number;
  };
}
