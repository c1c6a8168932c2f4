// Reads records of the reference folder as tensors for tests.
import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { numbersOf, readSafetensors } from "../../operators/safetensors.ts";
import { referenceFolder } from "../require.ts";

/** The tensors of a case, as float32; `path` is `<kind>/<system>/<case>`. */
export function readTensors(path: string): (name: string) => tf.Tensor {
  const stored = readSafetensors(readFileSync(`${referenceFolder}/${path}.safetensors`));
  return (name) => {
    const tensor = stored[name];
    if (!tensor) throw new Error(`${path} has no tensor "${name}"`);
    return tf.tensor(Float32Array.from(numbersOf(tensor)), [...tensor.shape]);
  };
}

/** Largest absolute difference. */
export function distance(a: tf.Tensor, b: tf.Tensor): number {
  return tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] ?? Number.NaN);
}
