// Softmax attention over the present token and the last `window` ones, with rotary positions over the whole head.
//
// Beltagy et al. 2020, "Longformer", arXiv:2004.05150; as in mad-lab (Poli et al. 2024, arXiv:2403.17844), where window
// [w, w] together with causality leaves w + 1 keys.
import type { SlidingAttentionOptions } from "../../genome/palette/sliding-attention.ts";
import { attentionParameters, softmaxAttention } from "../attention/softmax-attention.ts";
import type { Operator } from "../types.ts";

export const slidingAttention: Operator<SlidingAttentionOptions> = {
  parameters: ({ heads }, { width }) => attentionParameters(width, { heads, kvHeads: heads, bias: true }),

  apply: (weights, x, { heads, window }, { width }) =>
    softmaxAttention(weights, x, { heads, kvHeads: heads, rotary: width / heads, left: window, right: 0 }),
};
