// SwiGLU: a gated channel mixer (STAR's GMemless), y = W3 (silu(W1 x) * W2 x), no biases.
import { dense } from "./counting.ts";
import type { PaletteEntry } from "./types.ts";

/** No options: the inner width follows from D. */
export type SwigluOptions = Record<string, never>;

export const swiglu: PaletteEntry<SwigluOptions> = {
  liv: 9,
  title: "SwiGLU",
  mixes: "channel",
  paper: { title: "GLU Variants Improve Transformer", arxiv: "2002.05202" },
  options: {},
  defaults: {},
  conflict: () => null,
  readout: { module: "w3", parameters: (_, { width }) => width * swigluInnerWidth(width) },

  parameters: (_, { width }) => 3 * width * swigluInnerWidth(width),
  stateElements: () => 0,

  flopsPerToken(_, { width }) {
    const inner = swigluInnerWidth(width);
    return dense(width, 2 * inner) + inner + dense(inner, width);
  },
};

/** 8/3 of D, rounded down, then up to a multiple of 16, as in mad-lab. */
export function swigluInnerWidth(width: number): number {
  return 16 * Math.ceil(Math.floor((8 * width) / 3) / 16);
}
