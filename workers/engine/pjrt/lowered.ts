// What the engine needs of a lowered step: the module, and what its arguments and results are.
import type { StableHloOptions, StableHloProgram } from "../stablehlo/program.ts";
import type { Step } from "../types.ts";

/** State that is no result is an argument that keeps its memory. */
export type LoweredStep = Pick<StableHloProgram, "text" | "arguments" | "results">;

export type Lower = (
  step: Step,
  options: Pick<StableHloOptions, "precision" | "capacity" | "composites">,
) => LoweredStep;
