// Published softmax attentions, by system name.

import type * as tf from "@tensorflow/tfjs";
import type { ReferenceAdapter } from "../reference-case.ts";
import { type CaseConfig, type ReferenceAdapters, readFlag, readNumber, UnsupportedCase } from "../reference-case.ts";
import { softmaxAttention } from "./softmax-attention.ts";

/** mad-lab's attention, plain and with a window; flash-attention's MHA underneath. */
const madLab: ReferenceAdapter = (config) => {
  const heads = readNumber(config, "n_heads");
  const [left, right] = readWindow(config);
  const attention = {
    heads,
    kvHeads: readNumber(config, "num_heads_kv", heads),
    rotary: readNumber(config, "rotary_emb_dim", 0),
    rotaryBase: readNumber(config, "rotary_emb_base", 10_000),
    left,
    right: readFlag(config, "causal", true) ? 0 : right,
  };
  return (weights, x) => ({ y: softmaxAttention(weights, x as tf.Tensor4D, attention) });
};

export const attentionReferences: ReferenceAdapters = {
  "mh-attention": madLab,
  "sliding-attention": madLab,

  /** The configured window is halved; rotary over the whole head; no biases. */
  "based-sliding-window": (config) => {
    const heads = readNumber(config, "num_heads");
    const left = Math.floor(readNumber(config, "window_size") / 2);
    return (weights, x) => {
      const rotary = (x.shape[3] ?? 0) / heads;
      return { y: softmaxAttention(weights, x as tf.Tensor4D, { heads, kvHeads: heads, rotary, left, right: 0 }) };
    };
  },

  /** One head, no positions, `block_size` + 1 keys. */
  "zoology-sliding-attention": (config) => {
    const left = readNumber(config, "block_size");
    return (weights, x) => ({
      y: softmaxAttention(weights, x as tf.Tensor4D, { heads: 1, kvHeads: 1, rotary: 0, left, right: 0 }),
    });
  },
};

/** flash-attention's [left, right], where -1 sees everything. */
function readWindow(config: CaseConfig): [number, number] {
  const window = config.window_size ?? [-1, -1];
  if (!Array.isArray(window) || window.length !== 2 || !window.every(Number.isInteger)) {
    throw new UnsupportedCase(`Option "window_size" is ${JSON.stringify(window)} where [left, right] is expected.`);
  }
  const [left, right] = window.map((reach: number) => (reach < 0 ? Number.POSITIVE_INFINITY : reach));
  return [left as number, right as number];
}
