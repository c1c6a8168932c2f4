// mad-lab's language model: embedding, pre-norm residual layers, norm, untied unembedding; no position embedding.
//
// Poli et al. 2024, "Mechanistic Design and Scaling of Hybrid Architectures", arXiv:2403.17844, and its code mad-lab.
import { linearLayer, normal, zeros } from "../initialize.ts";
import { project, weight, within } from "../parts.ts";
import type { Model, NamedParameter } from "../types.ts";
import { embed } from "./embedding.ts";
import {
  type BackboneLayer,
  type BackboneShape,
  inModule,
  residualParameters,
  residualStack,
  restartLinear,
  smallDeviation,
} from "./layers.ts";
import { normalizeSum, norms } from "./norms.ts";

export function languageModel(layers: readonly BackboneLayer[], shape: BackboneShape): Model {
  const { width, vocabulary, norm = "rms" } = shape;
  const parameters: NamedParameter[] = [
    { name: "token_embeds.weight", ...normal([vocabulary, width], smallDeviation) },
    ...residualParameters("model", layers, width, norm),
    ...inModule("unembed.0", norms[norm].parameters(width)),
    ...inModule("unembed", linearLayer("1", width, vocabulary, true)),
  ];
  return {
    vocabulary,
    // Linear maps keep the start that their layers give them; before December 2024 mad-lab drew them from N(0, 0.02^2).
    parameters: restartLinear(parameters, { bias: (bias) => (bias.isKeptByBackbone ? bias : zeros(bias.shape)) }),

    apply(weights, tokens) {
      const embedded = embed(weight(weights, "token_embeds.weight"), tokens);
      const stream = residualStack("model", layers, norm, weights, embedded);
      const { normal } = normalizeSum(norm, within(weights, "unembed.0"), stream);
      return project(normal, weights, "unembed.1"); // [P, B, T, V]
    },
  };
}
