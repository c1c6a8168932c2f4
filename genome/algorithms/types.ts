// What every search algorithm is: three pure functions over a plain JSON state.
//
// The caller owns the loop: `ask` for proposals, evaluate them, `tell` every result (failures too, they are waited
// for), repeat. All objectives are minimised (`objectives.ts` converts). Random draws come from streams named by
// seed and purpose, so equal calls give equal answers, and a state may be stored and read back between any two calls.
// The caller owns the history too: a state holds what the next step needs, and does not grow with the search.
import type { Grammar } from "../grammar.ts";
import type { SearchConfig } from "../space.ts";
import type { Variation } from "../variation/changes.ts";

export type AlgorithmName = SearchConfig["algorithm"]["name"];
export type AlgorithmOptions<Name extends AlgorithmName> = OptionsByName[Name];
type OptionsByName = { [Options in SearchConfig["algorithm"] as Options["name"]]: Options };

export interface Setup<Name extends AlgorithmName = AlgorithmName> {
  readonly options: AlgorithmOptions<Name>;
  readonly grammar: Grammar;
  /** Genomes in text form that are proposed first, repaired where they do not follow the grammar. */
  readonly warmStart: readonly string[];
  /** Number of the first proposal; the known designs have the numbers before it. */
  readonly firstNumber: number;
  /** What a result's numbers mean, in their order; exact costs may be counted before a genome is proposed. */
  readonly objectives: SearchConfig["objectives"];
  /** Tokens at which state bytes are quoted. */
  readonly contextLength: number;
  /** Proposals depend on seed and results alone, never on when the results came or how many were asked for. */
  readonly deterministic: boolean;
}

/** What an algorithm keeps of its setup. */
export type Kept<Name extends AlgorithmName = AlgorithmName> = Omit<Setup<Name>, "warmStart">;

/** A genome to evaluate. */
export interface Proposal {
  readonly number: number;
  readonly generation: number;
  /** Canonical text form. */
  readonly genome: string;
  readonly hash: string;
  readonly variation: Variation;
}

/** How a proposal, or a candidate from elsewhere (a known design), turned out. */
export interface Result {
  readonly number: number;
  readonly genome: string;
  readonly hash: string;
  /**
   * Minimised. Not read where `ok` is false or `violation` positive, so what costs too much need not be trained; values
   * that are not finite count as not ok.
   */
  readonly objectives: readonly number[];
  /** How far it misses the limits, 0 where it keeps them (`objectives.ts`). */
  readonly violation: number;
  /** False where the evaluation failed: it ranks after every other. */
  readonly ok: boolean;
}

/** Plain JSON, and the algorithm's own business but for these. */
export interface AlgorithmState {
  readonly algorithm: AlgorithmName;
  readonly version: number;
  readonly generation: number;
  readonly nextNumber: number;
}

/** The genomes that a search has already, by their hashes. */
export interface KnownGenomes {
  has(hash: string): boolean;
}

export interface Asked<State> {
  readonly state: State;
  readonly proposals: readonly Proposal[];
}

export interface Algorithm<Name extends AlgorithmName = AlgorithmName, State extends AlgorithmState = AlgorithmState> {
  /** Throws GenomeError where the grammar has no genome or a warm start cannot be read. */
  init(setup: Setup<Name>, seed: number): State;
  /**
   * Up to `count` proposals; fewer, or none, while the algorithm waits for results. None of them is among the `known`
   * (every genome proposed earlier, or told from elsewhere) while the space has others.
   */
  ask(state: State, count: number, known?: KnownGenomes): Asked<State>;
  /** A result told twice counts once. */
  tell(state: State, results: readonly Result[]): State;
}
