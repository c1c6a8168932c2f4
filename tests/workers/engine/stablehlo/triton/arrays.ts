// Plain arrays for kernels: random ones, results to be filled, and what the loops of `plain-fused.ts` make of them.
import * as tf from "@tensorflow/tfjs";
import type { Random } from "../../../../../genome/random.ts";
import { plainFusedKernels } from "../../../../operators/plain-fused.ts";
import { sizeOf, stored } from "../interpreter.ts";

export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}
type Element = "f32" | "bf16";

/** Numbers of the element, each from `draw`. */
export function drawn(shape: readonly number[], element: Element, draw: () => number): Tensor {
  return rounded({ shape, values: Float32Array.from({ length: sizeOf(shape) }, draw) }, element);
}

export function normal(random: Random): () => number {
  return () => random.normal();
}

export function rounded({ shape, values }: Tensor, element: Element): Tensor {
  return { shape, values: stored({ element, shape }, values) as Float32Array };
}

/** A result that shows what was never written. */
export function unwritten(shape: readonly number[]): Tensor {
  return { shape, values: new Float32Array(sizeOf(shape)).fill(Number.NaN) };
}

/** A kernel of `plain-fused.ts`, on tfjs's "cpu" backend. */
export function plain(
  kernel: string,
  inputs: Readonly<Record<string, Tensor>>,
  attributes: Readonly<Record<string, string | number | boolean>> = {},
): Tensor {
  const run = Object.values(plainFusedKernels).find((kernels) => kernel in kernels)?.[kernel];
  if (!run) throw new Error(`no kernel "${kernel}"`);
  const tensors = Object.entries(inputs).map(([name, { values, shape }]) => [name, tf.tensor(values, [...shape])]);
  const result = run({ inputs: Object.fromEntries(tensors), attrs: attributes, backend: tf.backend() });
  const { dataId, shape } = result as tf.TensorInfo;
  return { shape, values: tf.backend().readSync(dataId) as Float32Array };
}
