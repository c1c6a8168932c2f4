// One way to write each genome, and one hash for all genomes that mean the same model.
import { paletteEntry, resolveOptions } from "./palette/index.ts";
import { sha256 } from "./sha256.ts";
import { formatGenome } from "./text.ts";
import type { Genome, Options, Segment } from "./types.ts";
import { operatorOfSegment, unshared } from "./validate.ts";

/** Defaults left out, options in order, groups numbered 1, 2, 3 ... as they first appear. Throws on unknown classes. */
export function canonicalGenome(genome: Genome): Genome {
  const featurizerGroups = firstAppearance();
  const featureGroups = firstAppearance();
  const segments = genome.segments.map((segment, index): Segment => {
    const integers = {
      liv: segment.liv,
      featurizerGroup: featurizerGroups(segment.featurizerGroup),
      featurizerStrategy: segment.featurizerStrategy,
      featureGroup: featureGroups(segment.featureGroup),
      featureStrategy: segment.featureStrategy,
    };
    const options = canonicalOptions(segment, index);
    return Object.keys(options).length === 0 ? integers : { ...integers, options };
  });
  return { segments };
}

/**
 * SHA-256 (hex) of the text of what a genome means: `canonicalGenome`, with every unshared segment in one group,
 * because a group that shares nothing means nothing. Equal models have equal hashes.
 */
export function genomeHash(genome: Genome): string {
  const segments = genome.segments.map((segment) => ({
    ...segment,
    featurizerGroup: segment.featurizerStrategy === unshared ? 0 : segment.featurizerGroup,
    featureGroup: segment.featureStrategy === unshared ? 0 : segment.featureGroup,
  }));
  return sha256(formatGenome(canonicalGenome({ segments })));
}

function canonicalOptions(segment: Segment, index: number): Options {
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
