// Moves tensors between the host and the GPU: models that only copy, because onnxruntime-node can neither create nor read
// a GPU tensor by itself.
import * as ort from "onnxruntime-node";
import { modelFile, OnnxGraph } from "../onnx/model.ts";
import type { Specs, Values } from "../types.ts";
import { sessionOptions, type WebGpuSessionOptions } from "./session.ts";

export type Tensors = Record<string, ort.Tensor>;

/**
 * A model that copies its inputs to the host or to the GPU, from wherever they are.
 * Keep it until its results are disposed of: they lie in memory of its session.
 */
export async function copier(
  specs: Specs,
  to: "cpu" | "gpu-buffer",
  options: WebGpuSessionOptions = {},
): Promise<ort.InferenceSession> {
  const onnx = new OnnxGraph();
  for (const [name, { shape, dtype }] of Object.entries(specs)) {
    onnx.input(name, dtype, shape);
    onnx.op("Identity", [name], { outputs: [copyOf(name)] });
    onnx.output(copyOf(name), dtype, shape);
  }
  return ort.InferenceSession.create(modelFile(onnx), sessionOptions(to, options));
}

/** A model that joins the K slices [1, ...] of each entry to one tensor [K, ...] on the host. */
export async function joiner(specs: Specs, slices: number): Promise<ort.InferenceSession> {
  const onnx = new OnnxGraph();
  for (const [name, { shape, dtype }] of Object.entries(specs)) {
    const inputs = Array.from({ length: slices }, (_, k) => onnx.input(sliceOf(name, k), dtype, [1, ...shape]));
    onnx.op("Concat", inputs, { attributes: { axis: 0 }, outputs: [copyOf(name)] });
    onnx.output(copyOf(name), dtype, [slices, ...shape]);
  }
  return ort.InferenceSession.create(modelFile(onnx), sessionOptions("cpu"));
}

/** What a copier or a joiner returns for these inputs, under the names of the specs. */
export async function copied(session: ort.InferenceSession, specs: Specs, inputs: Tensors): Promise<Tensors> {
  const results = await session.run(inputs);
  return Object.fromEntries(Object.keys(specs).map((name) => [name, results[copyOf(name)] as ort.Tensor]));
}

export const sliceOf = (name: string, k: number) => `${name} ${k}`;
const copyOf = (name: string) => `copy of ${name}`;

/** Slice k of the arrays, or all of them, as tensors on the host, in place. */
export function hostTensors(specs: Specs, values: Values, k = 0): Tensors {
  const entries = Object.entries(specs).map(([name, { dtype, shape }]) => {
    const size = shape.reduce((product, length) => product * length, 1);
    const data = values[name]?.subarray(k * size, (k + 1) * size) as Float32Array & Int32Array;
    return [name, new ort.Tensor(dtype, data, [...shape])];
  });
  return Object.fromEntries(entries);
}

/** The arrays of tensors on the host. */
export function arraysOf(tensors: Tensors): Values {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name, tensor.data as Float32Array | Int32Array]),
  );
}

export function disposeAll(tensors: Iterable<ort.Tensor>): void {
  for (const tensor of tensors) tensor.dispose();
}
