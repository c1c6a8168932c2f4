import type { ModelShape, Options, OptionValue } from "../types.ts";

export interface Readout<O extends Options = Options> {
  /** Its module's name in the operator's parameters. */
  readonly module: string;
  /** Trainable numbers in it. */
  parameters(options: O, shape: ModelShape): number;
}

/** STAR's letters. Attention: keys B, queries C, values V. Gated convolutions: gates B and C, value V, kernel K. */
export type FeatureGroup = "B" | "C" | "V" | "A" | "K";

/** What a position does without when it takes `groups` from an earlier one; the numbers are savings. */
export interface FeatureReuse<O extends Options = Options> {
  readonly groups: readonly FeatureGroup[];
  parameters(options: O, shape: ModelShape): number;
  stateElements(options: O, shape: ModelShape, contextLength: number): number;
  flopsPerToken(options: O, shape: ModelShape): number;
}

/** One operator as data: enough to validate and cost a genome without loading tensors. */
export interface PaletteEntry<O extends Options = Options> {
  /** LIV class number, frozen for ever in `classes.ts`. */
  readonly liv: number;
  readonly title: string;
  /** Mixes along the sequence (T) or along the channels (D). */
  readonly mixes: "sequence" | "channel";
  readonly paper: { readonly title: string; readonly arxiv: string };
  /** Allowed values of each option, the first-class grammar of variation. */
  readonly options: { readonly [K in keyof O]: readonly OptionValue[] };
  readonly defaults: O;
  /** The one way to write options that have several: equal models get equal options. Absent: every writing is unique. */
  canonical?(options: O): O;
  /** A sentence naming the option and value that cannot work at this shape, or null. */
  conflict(options: O, shape: ModelShape): string | null;
  /** Trainable numbers. */
  parameters(options: O, shape: ModelShape): number;
  /** The output map, the only weights that a position keeps to itself when its featurizer is shared. */
  readonly readout: Readout<O>;
  /** The feature groups that a later position can take over (feature strategy 2); absent: none. */
  readonly features?: FeatureReuse<O>;
  /** Elements kept per sequence for autoregressive decoding after `contextLength` tokens. */
  stateElements(options: O, shape: ModelShape, contextLength: number): number;
  /** Forward floating-point operations per token at sequence length `shape.length`; see `counting.ts` for what counts. */
  flopsPerToken(options: O, shape: ModelShape): number;
}
