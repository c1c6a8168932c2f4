// The published MLP, by system name.
import type * as tf from "@tensorflow/tfjs";
import { contextOf, type ReferenceAdapters } from "../reference-case.ts";
import { mlp } from "./index.ts";

export const mlpReferences: ReferenceAdapters = {
  /** The inner width, and whether there are biases, follow from the weights. */
  mlp: () => (weights, x) => ({ y: mlp.apply(weights, x as tf.Tensor4D, { expansion: 4 }, contextOf(x)) }),
};
