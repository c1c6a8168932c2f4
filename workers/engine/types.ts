// The whole engine interface: compile a pure step once, then run it many times with its state kept inside.
import type * as tf from "@tensorflow/tfjs";

export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
}
export type Specs = Readonly<Record<string, TensorSpec>>;
export type Values = Readonly<Record<string, Float32Array | Int32Array>>;

/** A pure function of tensors: no JavaScript randomness, no data reads, nothing baked in that changes between steps. */
export interface Step {
  /** For messages: what it does and its sizes. */
  readonly name: string;
  /** Carried from step to step; `apply` returns each under the same name. */
  readonly state: Specs;
  /** Given once and kept on the device: learning rates, the data set. */
  readonly constants: Specs;
  /** Different at each step: the rows of the data set to train on. */
  readonly batch: Specs;
  /** Read back once per call, one slice per step. */
  readonly outputs: Specs;
  apply(tensors: Readonly<Record<string, tf.Tensor>>): Record<string, tf.Tensor>;
}

export interface Program {
  /** Runs K steps; each batch entry holds K slices, each output comes back as K slices (row-major, K first). */
  run(steps: number, batches: Values): Promise<Values>;
  /** A copy of the present state, or of those entries of it that are named. */
  state(names?: readonly string[]): Promise<Values>;
  setState(state: Values): Promise<void>;
  /** Takes the entries of equal name from another program's present state; this one's others stay. */
  adoptState(source: Program): Promise<void>;
  /** Bytes on the device, where the engine knows them from the compiled step. */
  readonly memory?: { readonly stateBytes: number; readonly temporaryBytes: number } | undefined;
  dispose(): Promise<void>;
}

export interface Engine {
  readonly name: string;
  /** Whether `Program.run` may be called again before the last call has ended, and then queues behind it. */
  readonly isQueued?: boolean | undefined;
  /** Sequences of a multiple of so many tokens run faster; default 1. */
  readonly tokenMultiple?: number | undefined;
  compile(step: Step, initial: { readonly state: Values; readonly constants: Values }): Promise<Program>;
}
