// What other rooms import: architectures as data, their costs, their variation, and the algorithms that search them.
export { algorithmNamed, algorithms } from "./algorithms/index.ts";
export type {
  Algorithm,
  AlgorithmName,
  AlgorithmState,
  Asked,
  KnownGenomes,
  Proposal,
  Result,
  Setup,
} from "./algorithms/types.ts";
export { canonicalGenome, genomeHash } from "./canonical.ts";
export { genomeCosts, type SegmentCosts, segmentCosts } from "./costs.ts";
export { coverageOf, crowdingDistances, dominates, nonDominated, rankByDominance } from "./dominance.ts";
export { GenomeError } from "./errors.ts";
export {
  type Contender,
  noRungs,
  promotedOf,
  type RungMemory,
  rankContenders,
  rungPoint,
  stoppedViolation,
} from "./fidelity.ts";
export { checkGrammar, fitOptions, type Grammar, grammarOf, leastDepth, operatorsAt } from "./grammar.ts";
export { hypervolume } from "./hypervolume.ts";
export { genomeFromJson, genomeSchema } from "./json.ts";
export { type KnownDesign, type KnownDesignName, knownDesignNames, knownDesigns } from "./known-designs.ts";
export {
  fromMinimized,
  isComparable,
  type Objectives,
  type ObjectiveValues,
  objectiveValue,
  referencePoint,
  relativeHypervolume,
  toMinimized,
  violationOf,
} from "./objectives.ts";
export { type LivClass, livClasses } from "./palette/classes.ts";
export { type OperatorEncoding, operatorEncodings, operatorGenome } from "./palette/encoding.ts";
export {
  type OperatorName,
  type OptionsOf,
  operatorNames,
  operatorOfClass,
  palette,
  paletteEntry,
  resolveOptions,
} from "./palette/index.ts";
export type { FeatureGroup, FeatureReuse, PaletteEntry, Readout } from "./palette/types.ts";
export { Random } from "./random.ts";
export { beginSearch, profileShapes, type SearchMemory, setupOfSearch, shapeOfSearch } from "./search-setup.ts";
export { sha256 } from "./sha256.ts";
export { donorsOf, type Sharing, type SharingKind, sharingOf, unshared } from "./sharing.ts";
export {
  type DescriptorName,
  descriptorNames,
  type ObjectiveName,
  objectiveDirections,
  type ProfileName,
  profileNames,
  type SearchChanges,
  type SearchConfig,
  type SearchConfigInput,
  searchChanges,
  searchConfig,
  type TaskName,
  type TaskObjective,
  taskNames,
} from "./space.ts";
export { formatGenome, formatSegment, parseGenome } from "./text.ts";
export type { Costs, Genome, ModelShape, Options, OptionValue, Segment } from "./types.ts";
export { canShare, maxSegments, operatorOfSegment, strategiesOf, validateGenome } from "./validate.ts";
export { type Change, listChanges, type Variation, type VariationKind } from "./variation/changes.ts";
export { type Motif, type MotifMove, motifMoves } from "./variation/motifs.ts";
export { type Neighbour, neighboursOf } from "./variation/neighbours.ts";
export { fitGenome, repairGenome } from "./variation/repair.ts";
export { sampleGenome } from "./variation/sample.ts";
