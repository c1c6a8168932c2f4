// What the sharing genes of a genome mean: which earlier position each position takes weights or features from.
//
// A group counts once two positions name it with the same strategy. The first of them is the donor. A group of one means
// nothing, and so does strategy 1. (Thomas et al. 2024, "STAR", arXiv:2411.17800.)
import type { Genome, Segment } from "./types.ts";

/** The strategy under which a segment shares nothing. */
export const unshared = 1;
/** Featurizer strategy: every weight but those of the output map is the donor's. */
export const allWeights = 2;
/** Feature strategy: the feature groups that the palette names for the operator (`features.groups`) are the donor's. */
export const namedFeatures = 2;

export type SharingKind = "featurizer" | "features";

export interface Sharing {
  readonly kind: SharingKind;
  /** Position of the group's first member, counted from 0; the donor itself has its own. */
  readonly donor: number;
}

const genesOf = {
  featurizer: (segment: Segment) => ({ group: segment.featurizerGroup, strategy: segment.featurizerStrategy }),
  features: (segment: Segment) => ({ group: segment.featureGroup, strategy: segment.featureStrategy }),
} as const;

/** For each position the donor of its group, or null where it shares nothing of this kind. */
export function donorsOf({ segments }: Genome, kind: SharingKind): (number | null)[] {
  const members = new Map<string, number[]>();
  segments.forEach((segment, index) => {
    const { group, strategy } = genesOf[kind](segment);
    if (strategy === unshared) return;
    const key = `${group} ${strategy}`;
    members.set(key, [...(members.get(key) ?? []), index]);
  });
  const donors: (number | null)[] = segments.map(() => null);
  for (const group of members.values()) {
    const [donor] = group;
    if (donor === undefined || group.length < 2) continue;
    for (const member of group) donors[member] = donor;
  }
  return donors;
}

/** What each position shares, null where nothing. A valid genome shares at most one kind at a position. */
export function sharingOf(genome: Genome): (Sharing | null)[] {
  const featurizer = donorsOf(genome, "featurizer");
  const features = donorsOf(genome, "features");
  return genome.segments.map((_, index): Sharing | null => {
    const weights = featurizer[index] ?? null;
    if (weights !== null) return { kind: "featurizer", donor: weights };
    const activations = features[index] ?? null;
    return activations === null ? null : { kind: "features", donor: activations };
  });
}
