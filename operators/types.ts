// What an operator is, for everything that runs one.
//
// Shape letters: P members, B batch, T tokens, D model width, H heads, K key width, V value width (or vocabulary
// where the tensor is one of logits), N state size.
// Every tensor carries the members axis P first: weights [P, ...], activations [P, B, T, D].
// Parameter names and layouts are those of the published PyTorch module (Linear weights [out, in]), so reference
// records, exported files and PyTorch twins need no renaming.
import type * as tf from "@tensorflow/tfjs";
import type { Random } from "../genome/random.ts";
import type { Options } from "../genome/types.ts";

export type Weights = Readonly<Record<string, tf.Tensor>>;

/** How a parameter starts; the values are drawn by `operators/initialize.ts` from a stream named after the parameter. */
export interface ParameterSpec {
  /** Shape without the members axis. */
  readonly shape: readonly number[];
  /** Fills one member's values in row-major order. */
  readonly initialize: (random: Random, shape: readonly number[]) => Float32Array;
  /** Set on the bias of a linear layer that backbones must not zero (Mamba's step bias). */
  readonly isKeptByBackbone?: boolean;
}

export interface OperatorContext {
  /** Model width D. */
  readonly width: number;
  /** Longest sequence the model is built for. */
  readonly length: number;
}

/** Activations that a later position can take over, in the order of the operator's own choosing. */
export type Features = readonly tf.Tensor[];

/** How a position works that gives its features away, and one that takes them (feature strategy 2 of the palette). */
export interface FeatureSharing<O extends Options = Options> {
  /** Parameters of the position that takes; the one that gives has the operator's own. */
  parameters(options: O, context: OperatorContext): Readonly<Record<string, ParameterSpec>>;
  give(weights: Weights, x: tf.Tensor4D, options: O, context: OperatorContext): { y: tf.Tensor4D; features: Features };
  /** x and features of the same P, B, T -> y [P, B, T, D]. */
  take(weights: Weights, x: tf.Tensor4D, features: Features, options: O, context: OperatorContext): tf.Tensor4D;
}

export interface Operator<O extends Options = Options> {
  parameters(options: O, context: OperatorContext): Readonly<Record<string, ParameterSpec>>;
  /** x [P, B, T, D] -> y [P, B, T, D]; T may be shorter than `context.length`. Pure: no randomness, no data reads. */
  apply(weights: Weights, x: tf.Tensor4D, options: O, context: OperatorContext): tf.Tensor4D;
  /** Present exactly where the palette names `features`. */
  readonly sharing?: FeatureSharing<O>;
}

export interface NamedParameter extends ParameterSpec {
  readonly name: string;
}

/** A whole model as data and one pure function. */
export interface Model {
  /** In the order in which they lie in the flat parameter vector. */
  readonly parameters: readonly NamedParameter[];
  readonly vocabulary: number;
  /** weights [P, ...] by name, tokens [P, B, T] int32 -> logits [P, B, T, V]. */
  readonly apply: (weights: Weights, tokens: tf.Tensor3D) => tf.Tensor4D;
}
