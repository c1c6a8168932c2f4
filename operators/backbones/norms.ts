// The two norms of the backbones: RMSNorm in mad-lab's benchmark, LayerNorm in its single-run script.
import * as tf from "@tensorflow/tfjs";
import { fusedResidualNorm, hasKernel, type ResidualNorm } from "../fused.ts";
import { ones, zeros } from "../initialize.ts";
import { layerNorm, rmsEps, rmsNorm, weight } from "../parts.ts";
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

/** x + update, where there is one, and its norm; all [P, B, T, D]. */
export function normalizeSum(
  norm: NormName,
  weights: Weights,
  { x, update }: { readonly x: tf.Tensor4D; readonly update?: tf.Tensor4D | undefined },
): ResidualNorm {
  if (norm === "rms" && hasKernel("ResidualNorm")) {
    return fusedResidualNorm(x, update, weight(weights, "weight"), rmsEps);
  }
  const sum: tf.Tensor4D = update === undefined ? x : tf.add(x, update);
  return { sum, normal: norms[norm].apply(weights, sum) };
}
