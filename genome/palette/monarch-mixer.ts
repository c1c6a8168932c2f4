// The sequence mixer of Monarch Mixer, causal: gate, long convolution by Monarch matrices (a DFT), gate, and
// optionally a second long convolution of the raw input.
//
// Fu et al. 2023, arXiv:2310.12109.
import { dense, longConvolution, shortConvolution } from "./counting.ts";
import { implicitFilterParameters } from "./implicit-filter.ts";
import type { PaletteEntry } from "./types.ts";

export type MonarchMixerOptions = {
  /** Width of the MLP that makes the filter. */
  readonly filterOrder: number;
  /** Adds a long convolution of the layer's input, with its own filter. */
  readonly residual: boolean;
};

/** Position features: the time and two frequencies' cosine and sine. */
export const monarchMixerFeatures = 5;
/** Taps of the short convolution after the projection. */
export const monarchMixerShortFilter = 3;

export const monarchMixer: PaletteEntry<MonarchMixerOptions> = {
  liv: 21,
  title: "Monarch Mixer",
  mixes: "sequence",
  paper: { title: "Monarch Mixer: A Simple Sub-Quadratic GEMM-Based Architecture", arxiv: "2310.12109" },
  options: { filterOrder: [8, 16, 32, 64, 128], residual: [true, false] },
  defaults: { filterOrder: 64, residual: true },
  conflict: () => null,

  readout: { module: "out_linear", parameters: (_, { width }) => width * width + width },

  parameters({ filterOrder, residual }, { width, length }) {
    const projection = 3 * width * width + 3 * width;
    const shortConvolutions = 3 * width * (monarchMixerShortFilter + 1);
    const filter = implicitFilterParameters(width, filterOrder, monarchMixerFeatures, length);
    return projection + shortConvolutions + (residual ? 2 : 1) * filter + (width * width + width);
  },

  /** Earlier inputs of the long convolutions and of the short one. */
  stateElements({ residual }, { width }, contextLength) {
    const histories = residual ? 2 : 1;
    return histories * width * contextLength + 3 * width * Math.min(contextLength, monarchMixerShortFilter - 1);
  },

  flopsPerToken({ residual }, { width, length }) {
    const convolution = width * (longConvolution(length) + 2); // with its skip
    return (
      dense(width, 3 * width) +
      shortConvolution(3 * width, monarchMixerShortFilter) +
      convolution +
      2 * width + // gates
      (residual ? convolution + width : 0) +
      dense(width, width)
    );
  },
};
