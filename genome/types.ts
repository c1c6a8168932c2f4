// The words of a genome: what a segment is, and which shape of model it is asked to become.

/** Values of an operator's options; absent means the palette's default. */
export type OptionValue = number | string | boolean;
export type Options = Readonly<Record<string, OptionValue>>;

/** STAR's five integers for one backbone position, plus the options of its operator. */
export interface Segment {
  /** LIV class, see `palette/classes.ts`. */
  readonly liv: number;
  readonly featurizerGroup: number;
  readonly featurizerStrategy: number;
  readonly featureGroup: number;
  readonly featureStrategy: number;
  readonly options?: Options;
}

export interface Genome {
  readonly segments: readonly Segment[];
}

/** The sizes every operator of one model shares. */
export interface ModelShape {
  /** Model width D. */
  readonly width: number;
  /** Longest sequence T the model is built for (Hyena's filters depend on it). */
  readonly length: number;
}

/** What a genome costs before anything is trained. Embedding, unembedding and norms are not counted. */
export interface Costs {
  /** Trainable numbers in all operators, shared ones once. */
  readonly parameters: number;
  /** Inference cache per sequence, in bytes, after `contextLength` tokens in bf16. */
  readonly stateBytes: number;
  /** Forward floating-point operations per token at sequence length `length`. */
  readonly flopsPerToken: number;
}
