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

  softplus: (onnx, inputs) => onnx.op("Softplus", inputs),

  // WGSL promises sines to 2^-11 and drivers give little more, which a long convolution's filter cannot do with.
  sin: (onnx, [x = ""]) => {
    const halfTurns = onnx.op("Floor", [sum(onnx, product(onnx, x, 1 / Math.PI), 0.5)]);
    return signed(onnx, sineNearZero(onnx, withoutHalfTurns(onnx, x, halfTurns)), halfTurns, 1);
  },
  /** cos(x) = -(-1)^k sin(x - (k + 1/2) pi). */
  cos: (onnx, [x = ""]) => {
    const halfTurns = onnx.op("Floor", [product(onnx, x, 1 / Math.PI)]);
    const rest = withoutHalfTurns(onnx, x, sum(onnx, halfTurns, 0.5));
    return signed(onnx, sineNearZero(onnx, rest), halfTurns, -1);
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

/** x - k pi, with pi in two parts of which the first has few digits, so that k times it is exact. */
function withoutHalfTurns(onnx: OnnxGraph, x: string, k: string): string {
  const coarse = 3.140625;
  const rest = onnx.op("Sub", [x, product(onnx, k, coarse)]);
  return onnx.op("Sub", [rest, product(onnx, k, Math.PI - coarse)]);
}

/** The Taylor series to x^11: within 6e-8 up to a quarter turn. */
function sineNearZero(onnx: OnnxGraph, x: string): string {
  const square = onnx.op("Mul", [x, x]);
  const [last = 0, ...others] = [11, 9, 7, 5, 3].map((power) => (-1) ** ((power - 1) / 2) / factorial(power));
  let series = product(onnx, square, last);
  for (const coefficient of others) series = onnx.op("Mul", [square, sum(onnx, series, coefficient)]);
  return onnx.op("Add", [x, onnx.op("Mul", [x, series])]);
}

/** y times (-1)^k times the sign. */
function signed(onnx: OnnxGraph, y: string, k: string, sign: 1 | -1): string {
  const evenPart = product(onnx, onnx.op("Floor", [product(onnx, k, 0.5)]), 2);
  const isOdd = onnx.op("Sub", [k, evenPart]);
  return onnx.op("Mul", [y, sum(onnx, product(onnx, isOdd, -2 * sign), sign)]);
}

const product = (onnx: OnnxGraph, x: string, factor: number) => onnx.op("Mul", [x, onnx.scalar(factor)]);
const sum = (onnx: OnnxGraph, x: string, term: number) => onnx.op("Add", [x, onnx.scalar(term)]);
const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));
