// Published diagonal state space layers, by system name.
import * as tf from "@tensorflow/tfjs";
import { fromPairs, map } from "../complex.ts";
import { causalConvolution, withSkip } from "../long-convolution.ts";
import { weight, within } from "../parts.ts";
import { type CaseConfig, type ReferenceAdapters, readChoice, readFlag, UnsupportedCase } from "../reference-case.ts";
import { gatedOutput, type StateSpace, stateSpace } from "./convolution.ts";
import { convolutionKernel } from "./kernel.ts";

export const s4dReferences: ReferenceAdapters = {
  s4d(config) {
    const form = readStateSpace(config);
    return (weights, x) => stateSpace(weights, x as tf.Tensor4D, form);
  },

  "s4d-block"(config) {
    const form = readStateSpace(config);
    return (weights, x) => {
      const { y, kernel } = stateSpace(within(weights, "layer"), x as tf.Tensor4D, form);
      return { y: gatedOutput(weights, y), kernel };
    };
  },

  /** The teaching version: B = 1, frequencies of the other sign, zero-order hold. */
  "s4d-minimal": () => (weights, x) => {
    const c = map(fromPairs(weight(weights, "kernel.C")), (part) => tf.expandDims(part, 1)); // [P, 1, D, N]
    const a = {
      re: tf.neg(tf.exp(weight(weights, "kernel.log_A_real"))),
      im: weight(weights, "kernel.A_imag"),
    };
    const step = tf.expandDims(tf.exp(weight(weights, "kernel.log_dt")), -1);
    const kernel = convolutionKernel({ step, a, cb: c }, x.shape[2] ?? 1, "zoh");
    const filter = withSkip(tf.squeeze(kernel, [1]), weight(weights, "D"));
    return { y: gatedOutput(weights, causalConvolution(filter, x as tf.Tensor4D)), kernel: tf.squeeze(kernel, [1]) };
  },
};

/** `init` says how the parameters were drawn and does not matter here. */
function readStateSpace(config: CaseConfig): StateSpace {
  const mode = config.mode ?? "diag";
  if (mode !== "diag") throw new UnsupportedCase(`Option "mode" is ${JSON.stringify(mode)}; we have diag.`);
  return {
    discretisation: readChoice(config, "disc", ["zoh", "bilinear"], "zoh"),
    bidirectional: readFlag(config, "bidirectional", false),
  };
}
