// Mamba as mad-lab publishes it.
import type * as tf from "@tensorflow/tfjs";
import { type ReferenceAdapters, readNumber } from "../reference-case.ts";
import { mamba } from "./index.ts";

export const mambaReferences: ReferenceAdapters = {
  mamba(config) {
    const options = {
      stateSize: readNumber(config, "d_state"),
      convolution: readNumber(config, "d_conv"),
      expand: readNumber(config, "expand"),
    };
    const context = { width: readNumber(config, "D"), length: readNumber(config, "T") };
    return (weights, x) => ({ y: mamba.apply(weights, x as tf.Tensor4D, options, context) });
  },
};
