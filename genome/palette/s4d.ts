// S4D: a diagonal state space model per channel, run as a long convolution, then GELU and a gated output map.
//
// Gu et al. 2022, arXiv:2206.11893. Each channel has its own A, B and C: N / 2 conjugate pairs.
import { dense, longConvolution } from "./counting.ts";
import type { PaletteEntry } from "./types.ts";

export type S4dOptions = {
  /** N real numbers of state per channel, held as N / 2 complex ones. */
  readonly stateSize: number;
  readonly initialisation: "lin" | "inv" | "legs" | "real" | "fourier";
};

export const s4d: PaletteEntry<S4dOptions> = {
  liv: 20,
  title: "S4D",
  mixes: "sequence",
  paper: { title: "On the Parameterization and Initialization of Diagonal State Space Models", arxiv: "2206.11893" },
  options: { stateSize: [16, 32, 64, 128], initialisation: ["lin", "inv", "legs", "real", "fourier"] },
  defaults: { stateSize: 64, initialisation: "lin" },
  conflict: () => null,

  readout: { module: "output_linear", parameters: (_, { width }) => 2 * width * width + 2 * width },

  parameters({ stateSize }, { width }) {
    const kernel = 3 * width * stateSize + width; // A, B, C as N / 2 complex numbers, and dt
    const skip = width;
    return kernel + skip + (2 * width * width + 2 * width);
  },

  stateElements: ({ stateSize }, { width }) => width * stateSize,

  flopsPerToken: (_, { width, length }) =>
    width * longConvolution(length) + 2 * width + dense(width, 2 * width) + width,
};
