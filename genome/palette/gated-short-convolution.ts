// Gated short convolution, STAR's GConv-1 in the form of LFM2: (B, C, v) = W x, y = W' (C * conv(B * v)), no biases.
import { dense, shortConvolution } from "./counting.ts";
import type { PaletteEntry } from "./types.ts";

export type GatedShortConvolutionOptions = {
  /** Taps of the depthwise causal convolution. */
  readonly kernel: number;
};

export const gatedShortConvolution: PaletteEntry<GatedShortConvolutionOptions> = {
  liv: 7,
  title: "Gated short convolution",
  mixes: "sequence",
  paper: { title: "LFM2 Technical Report", arxiv: "2511.23404" },
  options: { kernel: [3, 4, 5, 7] },
  defaults: { kernel: 3 },
  conflict: () => null,
  readout: { module: "out_proj", parameters: (_, { width }) => width * width },
  /** Both gates; the value and its convolution stay. */
  features: {
    groups: ["B", "C"],
    parameters: (_, { width }) => 2 * width * width,
    stateElements: () => 0,
    flopsPerToken: (_, { width }) => dense(width, 2 * width),
  },

  parameters: ({ kernel }, { width }) => 4 * width * width + kernel * width,

  /** The convolution's earlier inputs. */
  stateElements: ({ kernel }, { width }, contextLength) => width * Math.min(contextLength, kernel - 1),

  flopsPerToken: ({ kernel }, { width }) =>
    dense(width, 3 * width) + width + shortConvolution(width, kernel) + width + dense(width, width),
};
