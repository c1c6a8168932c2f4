// Softmax attention over all earlier tokens, with grouped key-value heads and rotary positions.
import { attentionMixing, dense, meanVisibleKeys } from "./counting.ts";
import type { PaletteEntry } from "./types.ts";

export type AttentionOptions = {
  readonly heads: number;
  /** Heads of keys and values; 0 means as many as `heads`. */
  readonly kvHeads: number;
  readonly rotary: boolean;
};

export const attention: PaletteEntry<AttentionOptions> = {
  liv: 1,
  title: "Attention",
  mixes: "sequence",
  paper: { title: "Attention Is All You Need", arxiv: "1706.03762" },
  options: { heads: [1, 2, 4, 8, 16], kvHeads: [0, 1, 2, 4, 8, 16], rotary: [true, false] },
  defaults: { heads: 16, kvHeads: 0, rotary: true },

  canonical: (options) => (options.kvHeads === options.heads ? { ...options, kvHeads: 0 } : options),

  conflict({ heads, kvHeads, rotary }, { width }) {
    if (width % heads !== 0) return `heads ${heads} does not divide width ${width}`;
    if (kvHeads > 0 && heads % kvHeads !== 0) return `kvHeads ${kvHeads} does not divide heads ${heads}`;
    if (rotary && (width / heads) % 2 !== 0) return `rotary needs an even head width, but ${width} / ${heads} is odd`;
    return null;
  },

  readout: { module: "out_proj", parameters: (_, { width }) => width * width + width },
  features: {
    groups: ["B", "V"],
    parameters: (options, { width }) => 2 * keyWidth(options, width) * (width + 1),
    stateElements: (options, { width }, contextLength) => 2 * keyWidth(options, width) * contextLength,
    flopsPerToken: (options, { width }) => dense(width, 2 * keyWidth(options, width)),
  },

  parameters(options, { width }) {
    const projected = width + 2 * keyWidth(options, width);
    return projected * width + projected + width * width + width;
  },

  /** Keys and values of every token. */
  stateElements: (options, { width }, contextLength) => 2 * keyWidth(options, width) * contextLength,

  flopsPerToken: (options, { width, length }) =>
    dense(width, width + 2 * keyWidth(options, width)) +
    attentionMixing(width, meanVisibleKeys(length)) +
    dense(width, width),
};

/** Channels of all key heads together, the same for the values. */
function keyWidth({ heads, kvHeads }: AttentionOptions, width: number): number {
  return (kvHeads || heads) * (width / heads);
}
