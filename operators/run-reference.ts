// Computes what a record of an operator holds: the output, intermediate values, and gradients of sum(y * r).
import * as tf from "@tensorflow/tfjs";
import "./gradients.ts";
import type { ReferenceForward } from "./reference-case.ts";
import type { Weights } from "./types.ts";

/** Tensors under a record's names (`x`, `r`, `param.*`, `buffer.*`) and shapes, without the members axis. */
type Tensors = Readonly<Record<string, tf.Tensor>>;

/**
 * The tensors called `names`: `y`, `grad.x`, `grad.<parameter>`, or whatever else the forward pass computes.
 * A parameter that does not influence y has gradient zero.
 */
export function runReference(forward: ReferenceForward, tensors: Tensors, names: readonly string[]): Tensors {
  const changed = names.filter((name) => name.startsWith("grad."));
  const inputs = changed.map((name) => given(tensors, name === "grad.x" ? "x" : name.replace("grad.", "param.")));
  const outputOf = () => given(forwardValues(forward, tensors), "y");
  // Unlike tf.grads, the engine's own call accepts inputs that do not influence the output.
  const { value, grads } = tf.engine().gradients(outputOf, inputs, given(tensors, "r"), true);

  const gradients = changed.map((name, i) => [name, grads[i] ?? tf.zerosLike(inputs[i] as tf.Tensor)]);
  const others = names.filter((name) => name !== "y" && !changed.includes(name));
  const values = others.length > 0 ? forwardValues(forward, tensors) : {};
  return {
    y: value,
    ...Object.fromEntries(others.map((name) => [name, given(values, name)])),
    ...Object.fromEntries(gradients),
  };
}

/** The names of what the forward pass computes from tensors of these shapes. */
export function computedNames(
  forward: ReferenceForward,
  shapes: Readonly<Record<string, { readonly shape: readonly number[]; readonly dtype: "float32" | "int32" }>>,
): string[] {
  let names: string[] = [];
  tf.tidy(() => {
    const blank = Object.entries(shapes).map(([name, { shape, dtype }]) => [name, tf.zeros([...shape], dtype)]);
    names = Object.keys(forwardValues(forward, Object.fromEntries(blank)));
  });
  return names;
}

/** The forward pass alone: adds the members axis and takes it away again. */
function forwardValues(forward: ReferenceForward, tensors: Tensors): Tensors {
  const weights: Record<string, tf.Tensor> = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    const [, published] = /^(?:param|buffer)\.(.+)$/.exec(name) ?? [];
    if (published !== undefined) weights[published] = tf.expandDims(tensor, 0);
  }
  const values = forward(weights satisfies Weights, tf.expandDims(given(tensors, "x"), 0));
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, tf.squeeze(value, [0])]));
}

function given(tensors: Tensors, name: string): tf.Tensor {
  const tensor = tensors[name];
  if (!tensor) throw new Error(`there is no tensor "${name}"`);
  return tensor;
}
