// SwiGLU, the gated channel mixer: y = W3 (silu(W1 x) * W2 x).
//
// Shazeer 2020, "GLU Variants Improve Transformer", arXiv:2002.05202, eq. 6; inner width as in mad-lab.
import * as tf from "@tensorflow/tfjs";
import { type SwigluOptions, swigluInnerWidth } from "../../genome/palette/swiglu.ts";
import { linearLayer } from "../initialize.ts";
import { project, silu } from "../parts.ts";
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
    const gate = silu(project(x, weights, "w1")); // [P, B, T, I]
    return project(tf.mul(gate, project(x, weights, "w2")), weights, "w3");
  },
};
