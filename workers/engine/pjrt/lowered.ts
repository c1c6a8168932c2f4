// What the engine needs of a lowered step: the module, and what its arguments and results are.
import type { Step, TensorSpec } from "../types.ts";

/** Of products and activations; state is always float32. "highest" forbids the device its faster, coarser products. */
export type LoweredPrecision = "bfloat16" | "float32" | "highest";

export interface LoweredStep {
  /** A module whose @main runs `count` steps, at most `capacity`, and gives the memory of the state to its results. */
  readonly text: string;
  /** In order. A batch entry has `capacity` slices, the count is int32[]. */
  readonly arguments: readonly LoweredArgument[];
  /** In order. An output has `capacity` slices, of which `count` are meant. */
  readonly results: readonly LoweredResult[];
}

export interface LoweredArgument {
  readonly name: string;
  readonly kind: "state" | "constants" | "batch" | "count";
  readonly spec: TensorSpec;
}

export interface LoweredResult {
  readonly name: string;
  readonly kind: "state" | "outputs";
  readonly spec: TensorSpec;
}

export type Lower = (
  step: Step,
  options: { readonly precision: LoweredPrecision; readonly capacity: number },
) => LoweredStep;
