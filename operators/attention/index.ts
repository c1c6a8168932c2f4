// Multi-head softmax attention over all earlier tokens, with rotary positions over the whole head.
//
// Vaswani et al. 2017, arXiv:1706.03762; as in mad-lab (Poli et al. 2024, arXiv:2403.17844), biases included.
import type { AttentionOptions } from "../../genome/palette/attention.ts";
import type { Operator } from "../types.ts";
import { attentionParameters, softmaxAttention } from "./softmax-attention.ts";

export const attention: Operator<AttentionOptions> = {
  parameters: ({ heads, kvHeads }, { width }) =>
    attentionParameters(width, { heads, kvHeads: kvHeads || heads, bias: true }),

  apply: (weights, x, { heads, kvHeads, rotary }, { width }) =>
    softmaxAttention(weights, x, {
      heads,
      kvHeads: kvHeads || heads,
      rotary: rotary ? width / heads : 0,
      left: Number.POSITIVE_INFINITY,
      right: 0,
    }),
};
