// Softmax attention over the present token and the last `window` ones, with rotary positions over the whole head.
//
// Beltagy et al. 2020, "Longformer", arXiv:2004.05150; as in mad-lab (Poli et al. 2024, arXiv:2403.17844), where window
// [w, w] together with causality leaves w + 1 keys.
import type { SlidingAttentionOptions } from "../../genome/palette/sliding-attention.ts";
import {
  attentionOverFeatures,
  attentionParameters,
  attentionWithFeatures,
  queryParameters,
  type SoftmaxAttention,
  softmaxAttention,
} from "../attention/softmax-attention.ts";
import type { Operator, OperatorContext } from "../types.ts";

export const slidingAttention: Operator<SlidingAttentionOptions> = {
  parameters: ({ heads }, { width }) => attentionParameters(width, { heads, kvHeads: heads, bias: true }),

  apply: (weights, x, options, context) => softmaxAttention(weights, x, settings(options, context)),

  sharing: {
    parameters: (_, { width }) => queryParameters(width, true),
    give: (weights, x, options, context) => attentionWithFeatures(weights, x, settings(options, context)),
    take: (weights, x, features, options, context) =>
      attentionOverFeatures(weights, x, features, settings(options, context)),
  },
};

function settings({ heads, window }: SlidingAttentionOptions, { width }: OperatorContext): SoftmaxAttention {
  return { heads, kvHeads: heads, rotary: width / heads, left: window, right: 0 };
}
