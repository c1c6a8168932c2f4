// The primitives for onnxruntime's WebGPU provider: as for its CPU one, but for the operations which that provider lacks
// and which would run on the CPU, with a copy there and back.
import { type Lowerings, lowerings } from "./lowerings.ts";
import { elementTypes, type OnnxGraph } from "./model.ts";

export const webgpuLowerings: Lowerings = {
  ...lowerings,

  /** The provider has no FusedMatMul. */
  matMul: (onnx, [a = "", b = ""], { inputs, attributes: { transposeA, transposeB } }) => {
    const rank = (i: number) => inputs[i]?.shape.length ?? 0;
    const left = transposeA ? transposed(onnx, a, rank(0)) : a;
    const right = transposeB ? transposed(onnx, b, rank(1)) : b;
    return onnx.op("MatMul", [left, right]);
  },

  /** The least place of those that hold the maximum: ArgMax counts in int64, which the provider lacks. */
  argMax: (onnx, [x = ""], { inputs, attributes: { axis } }) => {
    const shape = inputs[0]?.shape ?? [];
    const size = shape[axis] ?? 1;
    const places = Float32Array.from({ length: size }, (_, place) => place);
    const placesShape = shape.map((_, i) => (i === axis ? size : 1));
    const axes = onnx.integers([axis]);
    const largest = onnx.op("ReduceMax", [x, axes], { attributes: { keepdims: 1 } });
    const isLargest = onnx.op("Equal", [x, largest]);
    const where = onnx.op("Where", [isLargest, onnx.tensor("float32", placesShape, places), onnx.scalar(size)]);
    const least = onnx.op("ReduceMin", [where, axes], { attributes: { keepdims: 0 } });
    return onnx.op("Cast", [least], { attributes: { to: elementTypes.int32 } });
  },
};

/** The last two axes exchanged. */
function transposed(onnx: OnnxGraph, x: string, rank: number): string {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return onnx.op("Transpose", [x], { attributes: { perm: [...axes.slice(0, -2), rank - 1, rank - 2] } });
}
