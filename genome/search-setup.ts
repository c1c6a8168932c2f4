// What a search's config means to its algorithm: the shape of the models, the grammar, the first number, the first state.
import { algorithmNamed } from "./algorithms/index.ts";
import type { AlgorithmName, AlgorithmState, Setup } from "./algorithms/types.ts";
import { noRungs, type RungMemory } from "./fidelity.ts";
import { grammarOf } from "./grammar.ts";
import type { ProfileName, SearchConfig } from "./space.ts";
import type { ModelShape } from "./types.ts";

/** The width a profile trains at and the longest sequence in it: the sizes at which costs are quoted. */
export const profileShapes = {
  smoke: { width: 32, length: 32 },
  fast: { width: 128, length: 256 },
  baseline: { width: 128, length: 256 },
  full: { width: 128, length: 1024 },
} as const satisfies Record<ProfileName, ModelShape>;

/** The shape at which the search's genomes are validated and their costs are counted. */
export function shapeOfSearch({ profile, space }: Pick<SearchConfig, "profile" | "space">): ModelShape {
  const { width, length } = profileShapes[profile];
  return { width: space.width ?? width, length };
}

/** The known designs have the numbers before the algorithm's. */
export function setupOfSearch(config: SearchConfig): Setup<AlgorithmName> {
  return {
    options: config.algorithm,
    grammar: grammarOf(config.space, shapeOfSearch(config)),
    warmStart: config.warmStart,
    firstNumber: config.knownDesigns.length,
    objectives: config.objectives,
    contextLength: config.space.contextLength,
    deterministic: config.deterministic,
  };
}

/** Everything a search remembers between two rounds of its algorithm, as plain JSON. */
export interface SearchMemory {
  readonly algorithm: AlgorithmState;
  /** Minimised objectives of the best feasible candidates told so far, known designs included. */
  readonly front: readonly (readonly number[])[];
  /** Candidates told that were trained to an end. */
  readonly complete: number;
  /** Where candidates climb rungs. */
  readonly rungs: RungMemory;
}

/** Throws GenomeError where the grammar has no genome or a warm start cannot be read. */
export function beginSearch(config: SearchConfig): SearchMemory {
  const algorithm = algorithmNamed(config.algorithm.name).init(setupOfSearch(config), config.seed);
  return { algorithm, front: [], complete: 0, rungs: noRungs };
}
