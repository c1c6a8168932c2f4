// The two norms of the backbones: RMSNorm in mad-lab's benchmark, LayerNorm in its single-run script.
import type * as tf from "@tensorflow/tfjs";
import { ones, zeros } from "../initialize.ts";
import { layerNorm, rmsNorm, weight } from "../parts.ts";
import type { ParameterSpec, Weights } from "../types.ts";

interface Norm {
  parameters(width: number): Record<string, ParameterSpec>;
  apply<X extends tf.Tensor>(weights: Weights, x: X): X;
}

export const norms = {
  rms: {
    parameters: (width) => ({ weight: ones([width]) }),
    apply: (weights, x) => rmsNorm(x, weight(weights, "weight")),
  },
  layer: {
    parameters: (width) => ({ weight: ones([width]), bias: zeros([width]) }),
    apply: (weights, x) => layerNorm(x, weight(weights, "weight"), weight(weights, "bias")),
  },
} satisfies Record<string, Norm>;

export type NormName = keyof typeof norms;
