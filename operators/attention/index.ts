// Multi-head softmax attention over all earlier tokens, with rotary positions over the whole head.
//
// Vaswani et al. 2017, arXiv:1706.03762; as in mad-lab (Poli et al. 2024, arXiv:2403.17844), biases included.
import type { AttentionOptions } from "../../genome/palette/attention.ts";
import type { Operator, OperatorContext } from "../types.ts";
import {
  attentionOverFeatures,
  attentionParameters,
  attentionWithFeatures,
  queryParameters,
  type SoftmaxAttention,
  softmaxAttention,
} from "./softmax-attention.ts";

export const attention: Operator<AttentionOptions> = {
  parameters: ({ heads, kvHeads }, { width }) =>
    attentionParameters(width, { heads, kvHeads: kvHeads || heads, bias: true }),

  apply: (weights, x, options, context) => softmaxAttention(weights, x, settings(options, context)),

  sharing: {
    parameters: (_, { width }) => queryParameters(width, true),
    give: (weights, x, options, context) => attentionWithFeatures(weights, x, settings(options, context)),
    take: (weights, x, features, options, context) =>
      attentionOverFeatures(weights, x, features, settings(options, context)),
  },
};

function settings({ heads, kvHeads, rotary }: AttentionOptions, { width }: OperatorContext): SoftmaxAttention {
  return {
    heads,
    kvHeads: kvHeads || heads,
    rotary: rotary ? width / heads : 0,
    left: Number.POSITIVE_INFINITY,
    right: 0,
  };
}
