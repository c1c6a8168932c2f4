// Hyena of order 2: gate, long convolution with an implicit filter, gate (STAR's GConv-2 family), in mad-lab's form.
//
// Poli et al. 2023, arXiv:2302.10866; Poli et al. 2024, arXiv:2403.17844 for the inner width and the projection groups.
import { dense, longConvolution, shortConvolution } from "./counting.ts";
import { implicitFilterParameters } from "./implicit-filter.ts";
import type { PaletteEntry } from "./types.ts";

export type HyenaOptions = {
  /** Width of the MLP that makes the filter. */
  readonly filterOrder: number;
  /** Inner channels as a multiple of D. */
  readonly innerFactor: number;
  /** The input projection makes 1 / groups of the inner channels and is repeated. */
  readonly projectionGroups: number;
  /** Taps of the short convolution after the projection. */
  readonly shortFilter: number;
};

/** Position features: the time and one frequency's cosine and sine. */
export const hyenaFeatures = 3;

export const hyena: PaletteEntry<HyenaOptions> = {
  liv: 8,
  title: "Hyena",
  mixes: "sequence",
  paper: { title: "Hyena Hierarchy: Towards Larger Convolutional Language Models", arxiv: "2302.10866" },
  options: {
    filterOrder: [4, 8, 16, 32, 64],
    innerFactor: [1, 2, 4],
    projectionGroups: [1, 2, 4],
    shortFilter: [2, 3, 4],
  },
  defaults: { filterOrder: 4, innerFactor: 4, projectionGroups: 4, shortFilter: 3 },

  conflict({ innerFactor, projectionGroups }, { width }) {
    const channels = 3 * innerFactor * width;
    if (channels % projectionGroups === 0) return null;
    return `projectionGroups ${projectionGroups} does not divide the ${channels} projected channels`;
  },

  readout: { module: "out_proj", parameters: ({ innerFactor }, { width }) => innerFactor * width * width + width },

  parameters({ filterOrder, innerFactor, projectionGroups, shortFilter }, { width, length }) {
    const inner = innerFactor * width;
    const projected = (3 * inner) / projectionGroups;
    const projection = projected * width + projected;
    const shortConvolutions = 3 * inner * (shortFilter + 1);
    const filter = implicitFilterParameters(inner, filterOrder, hyenaFeatures, length);
    return projection + shortConvolutions + filter + (width * inner + width);
  },

  /** The long convolution needs all its earlier inputs, the short one a few of the projection's distinct channels. */
  stateElements({ innerFactor, projectionGroups, shortFilter }, { width }, contextLength) {
    const inner = innerFactor * width;
    return inner * contextLength + ((3 * inner) / projectionGroups) * Math.min(contextLength, shortFilter - 1);
  },

  flopsPerToken({ innerFactor, projectionGroups, shortFilter }, { width, length }) {
    const inner = innerFactor * width;
    const gatesAndSkip = 4 * inner;
    return (
      dense(width, (3 * inner) / projectionGroups) +
      shortConvolution(3 * inner, shortFilter) +
      inner * longConvolution(length) +
      gatesAndSkip +
      dense(inner, width)
    );
  },
};
