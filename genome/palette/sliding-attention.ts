// Softmax attention over the last `window` tokens and the present one, with rotary positions.
import { attentionMixing, dense, meanVisibleKeys } from "./counting.ts";
import type { PaletteEntry } from "./types.ts";

export type SlidingAttentionOptions = {
  readonly heads: number;
  /** Earlier tokens that stay visible; with the present one, `window` + 1 keys. */
  readonly window: number;
};

export const slidingAttention: PaletteEntry<SlidingAttentionOptions> = {
  liv: 18,
  title: "Sliding-window attention",
  mixes: "sequence",
  paper: { title: "Longformer: The Long-Document Transformer", arxiv: "2004.05150" },
  options: { heads: [1, 2, 4, 8, 16], window: [8, 16, 32, 64, 128] },
  defaults: { heads: 16, window: 32 },

  conflict({ heads }, { width }) {
    if (width % heads !== 0) return `heads ${heads} does not divide width ${width}`;
    if ((width / heads) % 2 !== 0) return `rotary positions need an even head width, but ${width} / ${heads} is odd`;
    return null;
  },

  readout: { module: "out_proj", parameters: (_, { width }) => width * width + width },
  features: {
    groups: ["B", "V"],
    parameters: (_, { width }) => 2 * width * (width + 1),
    stateElements: ({ window }, { width }, contextLength) => 2 * width * Math.min(contextLength, window + 1),
    flopsPerToken: (_, { width }) => dense(width, 2 * width),
  },

  parameters: (_, { width }) => 4 * width * width + 4 * width,

  /** A rolling cache of the visible keys and values. */
  stateElements: ({ window }, { width }, contextLength) => 2 * width * Math.min(contextLength, window + 1),

  flopsPerToken: ({ window }, { width, length }) =>
    dense(width, 3 * width) + attentionMixing(width, meanVisibleKeys(length, window)) + dense(width, width),
};
