// SwiGLU, the gated channel mixer: y = W3 (silu(W1 x) * W2 x).
//
// Shazeer 2020, "GLU Variants Improve Transformer", arXiv:2002.05202, eq. 6; inner width as in mad-lab.
import * as tf from "@tensorflow/tfjs";
import { type SwigluOptions, swigluInnerWidth } from "../../genome/palette/swiglu.ts";
import { fusedGatedMlp, hasKernel } from "../fused.ts";
import { linearLayer } from "../initialize.ts";
import { project, silu, weight } from "../parts.ts";
import type { Operator } from "../types.ts";

export const swiglu: Operator<SwigluOptions> = {
  parameters(_, { width }) {
    const inner = swigluInnerWidth(width);
    return {
      ...linearLayer("w1", width, inner),
      ...linearLayer("w2", width, inner),
      ...linearLayer("w3", inner, width),
    };
  },

  apply(weights, x) {
    if (hasKernel("GatedMlp")) {
      const [w1, w2, w3] = ["w1", "w2", "w3"].map((name) => weight(weights, `${name}.weight`));
      return fusedGatedMlp(x, w1 as tf.Tensor, w2 as tf.Tensor, w3 as tf.Tensor);
    }
    const gate = silu(project(x, weights, "w1")); // [P, B, T, I]
    return project(tf.mul(gate, project(x, weights, "w2")), weights, "w3");
  },
};
