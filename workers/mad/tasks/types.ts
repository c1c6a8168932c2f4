// What a MAD task is: a procedure that draws instances, exactly as the published code does.
//
// Poli et al. 2024, "Mechanistic Design and Scaling of Hybrid Architectures", arXiv:2403.17844; procedures of
// athms/mad-lab, mad/data/instances.py. T is the number of tokens that a model sees.
import type { Generator } from "../numpy/generator.ts";
import type { RandomState } from "../numpy/random-state.ts";

/** Marks targets that loss and metrics leave out. */
export const ignored = -100;

/** The difficulty of a task, in the terms of the published generators. */
export interface TaskOptions {
  /** Token ids in all, special tokens included. */
  readonly vocabulary: number;
  /** Tokens that are asked of the generator; what a model sees is `Task.tokens`. */
  readonly length: number;
  /** Fraction of pairs (compression: of tokens) that are noise, in [0, 1). */
  readonly noiseFraction: number;
  readonly noiseVocabulary: number;
  /** Selective copying only. */
  readonly tokensToCopy: number;
  /** Longest key and value, in tokens; fuzzy in-context recall only. */
  readonly keyMotif: number;
  readonly valueMotif: number;
  /** Whether every value of a repeated key is asked for, or only the last one. */
  readonly multiQuery: boolean;
}

/** The streams that a data set is drawn from: one for all its instances, and what numpy's global functions draw from. */
export interface Sources {
  readonly shared: Generator;
  readonly legacy: RandomState;
  /** Seed of the data set; the map of the memorization task has a stream of its own. */
  readonly seed: number;
}

/** Fills one row of inputs and one of targets [T]. */
export type DrawInstance = (training: boolean, inputs: Int32Array, targets: Int32Array) => void;

export interface Task {
  /** A sentence that names the option and value that cannot work, or null. */
  conflict(options: TaskOptions): string | null;
  /** T. */
  tokens(options: TaskOptions): number;
  /** Number of token ids that a scored target may be; a blind guess among them is right once in so many times. */
  targetClasses(options: TaskOptions): number;
  /** Prepares what instances have in common and returns the procedure that draws one after another. */
  instances(options: TaskOptions, sources: Sources): DrawInstance;
}

/** The ids first .. first + count - 1. */
export interface TokenRange {
  readonly first: number;
  readonly count: number;
}

/** Keys are the lower half of `count` ordinary ids, values the rest, noise the ids above both. */
export function keysAndValues(count: number): { readonly keys: TokenRange; readonly values: TokenRange } {
  const keys = Math.floor(count / 2);
  return { keys: { first: 0, count: keys }, values: { first: keys, count: count - keys } };
}

/** A sentence about noise that cannot work, or null. */
export function noiseConflict({ noiseFraction, noiseVocabulary }: TaskOptions): string | null {
  if (!(noiseFraction >= 0 && noiseFraction < 1)) return `noiseFraction ${noiseFraction} is not in [0, 1)`;
  if (noiseFraction > 0 && noiseVocabulary < 1) return `noiseFraction ${noiseFraction} needs a noiseVocabulary`;
  return null;
}
