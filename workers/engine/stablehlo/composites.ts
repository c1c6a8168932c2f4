// Composites in StableHLO: a table that an engine fills with its device's fused kernels.
import type { FusedKernel } from "../../../operators/fused.ts";
import type { CompositeAttributes } from "../graph.ts";
import type { Lowering } from "./lowerings.ts";

export type CompositeLowerings = { readonly [P in keyof CompositeAttributes]?: Lowering<P> };

export interface Composites {
  /** What operators may use whole. */
  readonly kernels: readonly FusedKernel[];
  /** Of every primitive which these kernels become. */
  readonly lowerings: CompositeLowerings;
}

/** Operators spell everything out. */
export const noComposites: Composites = { kernels: [], lowerings: {} };
