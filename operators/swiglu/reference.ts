// The published SwiGLU, by system name.
import type * as tf from "@tensorflow/tfjs";
import { contextOf, type ReferenceAdapters } from "../reference-case.ts";
import { swiglu } from "./index.ts";

export const swigluReferences: ReferenceAdapters = {
  /** The inner width, and whether there are biases, follow from the weights. */
  swiglu: () => (weights, x) => ({ y: swiglu.apply(weights, x as tf.Tensor4D, {}, contextOf(x)) }),
};
