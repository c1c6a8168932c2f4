// The plain channel mixer: y = W2 gelu(W1 x), with GELU's tanh approximation.
//
// Hendrycks and Gimpel 2016, "Gaussian Error Linear Units", arXiv:1606.08415, section 2; as in mad-lab, without biases.
import type { MlpOptions } from "../../genome/palette/mlp.ts";
import { linearLayer } from "../initialize.ts";
import { geluTanh, project } from "../parts.ts";
import type { Operator } from "../types.ts";

export const mlp: Operator<MlpOptions> = {
  parameters: ({ expansion }, { width }) => ({
    ...linearLayer("fc", width, expansion * width),
    ...linearLayer("proj", expansion * width, width),
  }),

  apply: (weights, x) => project(geluTanh(project(x, weights, "fc")), weights, "proj"),
};
