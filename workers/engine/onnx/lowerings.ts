// Every simple primitive as ONNX nodes (opset 18), for onnxruntime. One line each where ONNX has the same operation.
import type { Data, DType, NodeOf, Shape, SimplePrimitive, Value } from "../graph.ts";
import { sizeOf } from "../graph.ts";
import { elementTypes, type OnnxGraph } from "./model.ts";

/** Appends the nodes for one primitive, given the names of its inputs; returns the name of its result. */
export type Lowering<P extends SimplePrimitive> = (
  onnx: OnnxGraph,
  inputs: readonly string[],
  node: NodeOf<P>,
) => string;

export type Lowerings = { readonly [P in SimplePrimitive]: Lowering<P> };

export const lowerings: Lowerings = {
  constant: (onnx, _inputs, { attributes: { shape, dtype, data } }) => {
    if (typeof data !== "number") return onnx.tensor(dtype, shape, data);
    const value = arrayOf(dtype, [data]);
    return sizeOf(shape) === 1 ? onnx.tensor(dtype, shape, value) : onnx.filled(dtype, shape, value);
  },
  iota: (onnx, _inputs, { attributes: { size } }) =>
    onnx.tensor(
      "int32",
      [size],
      Int32Array.from({ length: size }, (_, i) => i),
    ),

  add: broadcasting("Add"),
  sub: broadcasting("Sub"),
  mul: broadcasting("Mul"),
  div: broadcasting("Div"),
  max: same("Max"),
  min: same("Min"),
  pow: same("Pow"),
  less: same("Less"),
  lessEqual: same("LessOrEqual"),
  equal: same("Equal"),
  and: same("And"),
  or: same("Or"),
  not: same("Not"),
  select: (onnx, [condition = "", then = "", otherwise = ""], { output }) => {
    if (output.dtype !== "bool") return onnx.op("Where", [condition, then, otherwise]);
    const isOtherwise = onnx.op("And", [onnx.op("Not", [condition]), otherwise]);
    return onnx.op("Or", [onnx.op("And", [condition, then]), isOtherwise]);
  },
  convert: (onnx, inputs, { attributes: { dtype } }) => cast(onnx, inputs, dtype),

  neg: same("Neg"),
  abs: same("Abs"),
  sign: same("Sign"),
  floor: same("Floor"),
  ceil: same("Ceil"),
  round: same("Round"),
  exp: same("Exp"),
  /** tanh(x/2) (exp(x) + 1): keeps the digits near zero that exp(x) - 1 loses. */
  expm1: (onnx, [x = ""]) => {
    const half = onnx.op("Tanh", [onnx.op("Mul", [x, onnx.scalar(0.5)])]);
    return onnx.op("Mul", [half, onnx.op("Add", [onnx.op("Exp", [x]), onnx.scalar(1)])]);
  },
  log: same("Log"),
  log1p: (onnx, [x = ""]) => log1p(onnx, x),
  sqrt: same("Sqrt"),
  sin: same("Sin"),
  cos: same("Cos"),
  tanh: same("Tanh"),
  erf: same("Erf"),
  sigmoid: same("Sigmoid"),
  /** max(x, 0) + log1p(exp(-|x|)): ten passes in a third of the time of onnxruntime's Softplus. */
  softplus: (onnx, [x = ""]) => {
    const small = onnx.op("Exp", [onnx.op("Neg", [onnx.op("Abs", [x])])]);
    return onnx.op("Add", [onnx.op("Relu", [x]), log1p(onnx, small)]);
  },
  elu: same("Elu"),
  softmax: (onnx, inputs) => onnx.op("Softmax", inputs, { attributes: { axis: -1 } }),

  reduceSum: (onnx, inputs, node) => columnSum(onnx, inputs, node) ?? reduction("ReduceSum")(onnx, inputs, node),
  reduceMax: reduction("ReduceMax"),
  reduceMin: reduction("ReduceMin"),
  argMax: (onnx, inputs, { attributes: { axis } }) =>
    cast(onnx, [onnx.op("ArgMax", inputs, { attributes: { axis, keepdims: 0 } })], "int32"),
  cumsum: (onnx, [x = ""], { attributes: { axis, exclusive, reverse } }) => {
    const attributes = { exclusive: Number(exclusive), reverse: Number(reverse) };
    return onnx.op("CumSum", [x, onnx.tensor("int64", [], BigInt64Array.of(BigInt(axis)))], { attributes });
  },
  matMul: (onnx, [a = "", b = ""], { inputs, attributes: { transposeA, transposeB }, output: { shape } }) => {
    const [rows = 1, columns = 1] = shape.slice(-2);
    const summed = inputs[0]?.shape.at(transposeA ? -2 : -1) ?? 1;
    // onnxruntime's product is slow for a few columns and fast for a few rows: (B' A')' takes half the time there, unless
    // it sums so few numbers that transposing them is most of the work.
    const isNarrow = columns <= (transposeA ? 16 : 8) && rows >= 4 * columns && summed > 16;
    if (!isNarrow) return product(onnx, [a, b], transposeA, transposeB);
    const transposed = product(onnx, [b, a], !transposeB, !transposeA);
    const perm = [...shape.keys()];
    perm.push(...perm.splice(-2).reverse());
    return onnx.op("Transpose", [transposed], { attributes: { perm } });
  },

  reshape: (onnx, [x = ""], { output }) => onnx.op("Reshape", [x, onnx.integers(output.shape)]),
  broadcast: (onnx, [x = ""], { output }) => onnx.op("Expand", [x, onnx.integers(output.shape)]),
  transpose: (onnx, inputs, { attributes: { permutation } }) =>
    onnx.op("Transpose", inputs, { attributes: { perm: permutation } }),
  slice: (onnx, [x = ""], { inputs, attributes: { begin }, output }) => {
    const axes = axesWhere(inputs[0], (size, axis) => size !== output.shape[axis]);
    const starts = axes.map((axis) => begin[axis] ?? 0);
    const ends = axes.map((axis) => (begin[axis] ?? 0) + (output.shape[axis] ?? 0));
    return onnx.op("Slice", [x, onnx.integers(starts), onnx.integers(ends), onnx.integers(axes)]);
  },
  pad: (onnx, [x = ""], { attributes: { before, after, value }, output: { dtype } }) =>
    onnx.op("Pad", [x, onnx.integers([...before, ...after]), onnx.tensor(dtype, [], arrayOf(dtype, [value]))]),
  concat: (onnx, inputs, { attributes: { axis } }) => onnx.op("Concat", inputs, { attributes: { axis } }),
  reverse: (onnx, [x = ""], { attributes: { axes } }) => {
    const backwards = onnx.integers(axes.map(() => -1));
    const beyondFirst = onnx.integers(axes.map(() => -2147483647));
    return onnx.op("Slice", [x, backwards, beyondFirst, onnx.integers(axes), backwards]);
  },
  gather: (onnx, inputs, { attributes: { axis } }) => onnx.op("Gather", inputs, { attributes: { axis } }),
  scatterAdd: (onnx, [rows = "", indices = ""], { inputs, output: { shape, dtype } }) => {
    const zeros = onnx.filled(dtype, shape, arrayOf(dtype, [0]));
    const column = onnx.integers([inputs[1]?.shape[0] ?? 0, 1]);
    const places = onnx.op("Reshape", [cast(onnx, [indices], "int64"), column]);
    return onnx.op("ScatterND", [zeros, places, rows], { attributes: { reduction: "add" } });
  },
};

function same(type: string): (onnx: OnnxGraph, inputs: readonly string[]) => string {
  return (onnx, inputs) => onnx.op(type, inputs);
}

/**
 * An operand that repeats every few numbers is repeated to a row of at least 64, against which the other is seen as rows
 * of that length: onnxruntime starts anew at every repetition, which takes four times as long at 8 numbers.
 */
function broadcasting(type: string): Lowering<"add" | "sub" | "mul" | "div"> {
  return (onnx, names, { inputs, output }) => {
    const operands = inputs.map(({ shape }, i) => ({ name: names[i] ?? "", shape }));
    const period = Math.min(...inputs.map(({ shape }) => sizeOf(shape)));
    const times = Math.ceil(shortestRow / period);
    const repetitions = sizeOf(output.shape) / period;
    const isShort = period > 1 && period < shortestRow && repetitions % times === 0 && repetitions >= 64 * times;
    const isWhole = ({ shape }: { shape: Shape }) => sizeOf(shape) === sizeOf(output.shape);
    const isSuffix = ({ shape }: { shape: Shape }) => sizeOf(output.shape.slice(-significant(shape))) === period;
    if (!isShort || !operands.every((operand) => isWhole(operand) || isSuffix(operand))) return onnx.op(type, names);
    const rows = operands.map((operand) => {
      const { name } = operand;
      if (isWhole(operand)) return onnx.op("Reshape", [name, onnx.integers([-1, times * period])]);
      const once = onnx.op("Reshape", [name, onnx.integers([1, period])]);
      return onnx.op("Reshape", [onnx.op("Expand", [once, onnx.integers([times, period])]), onnx.integers([-1])]);
    });
    return onnx.op("Reshape", [onnx.op(type, rows), onnx.integers(output.shape)]);
  };
}

const shortestRow = 64;

/** The number of axes from the first that is not 1. */
function significant(shape: Shape): number {
  const first = shape.findIndex((size) => size !== 1);
  return first < 0 ? 0 : shape.length - first;
}

/** FusedMatMul reads transposed operands in place, where MatMul would need a copy. */
function product(onnx: OnnxGraph, inputs: readonly string[], transposeA: boolean, transposeB: boolean): string {
  if (!transposeA && !transposeB) return onnx.op("MatMul", inputs);
  const attributes = { transA: Number(transposeA), transB: Number(transposeB) };
  return onnx.op("FusedMatMul", inputs, { attributes, domain: "com.microsoft" });
}

function reduction(type: string): Lowering<"reduceSum" | "reduceMax" | "reduceMin"> {
  return (onnx, [x = ""], { attributes: { axes, keepDims } }) =>
    onnx.op(type, [x, onnx.integers(axes)], { attributes: { keepdims: Number(keepDims) } });
}

/** log(u) + (x - (u - 1)) / u with u = 1 + x rounded: the second term is what the rounding took away. */
function log1p(onnx: OnnxGraph, x: string): string {
  const u = onnx.op("Add", [x, onnx.scalar(1)]);
  const lost = onnx.op("Sub", [x, onnx.op("Sub", [u, onnx.scalar(1)])]);
  return onnx.op("Add", [onnx.op("Log", [u]), onnx.op("Div", [lost, u])]);
}

/**
 * The sum over neighbouring axes that end before the last one, as a product with a row of ones: a tenth of the time of
 * ReduceSum where it applies (the gradients of biases and of norms' weights).
 */
function columnSum(onnx: OnnxGraph, [x = ""]: readonly string[], node: NodeOf<"reduceSum">): string | undefined {
  const { axes } = node.attributes;
  const shape = node.inputs[0]?.shape ?? [];
  const [first = 0, end = 0] = [Math.min(...axes), Math.max(...axes) + 1];
  const rows = sizeOf(shape.slice(first, end));
  const columns = sizeOf(shape.slice(end));
  const isBlock = axes.length === end - first && end < shape.length;
  if (!isBlock || node.output.dtype !== "float32" || rows < 16) return undefined;
  // Few columns: neighbouring rows are seen as one, and what is left of them is summed afterwards.
  const beside = columns >= 16 ? 1 : Math.ceil(shortestRow / columns);
  if (rows % beside !== 0 || rows < 16 * beside) return undefined;
  const outer = sizeOf(shape.slice(0, first));
  const folded = onnx.op("Reshape", [x, onnx.integers([outer, rows / beside, beside * columns])]);
  const ones = onnx.filled("float32", [1, rows / beside], Float32Array.of(1));
  const sums = onnx.op("MatMul", [ones, folded]);
  if (beside === 1) return onnx.op("Reshape", [sums, onnx.integers(node.output.shape)]);
  const apart = onnx.op("Reshape", [sums, onnx.integers([outer, beside, columns])]);
  const total = onnx.op("ReduceSum", [apart, onnx.integers([1])], { attributes: { keepdims: 0 } });
  return onnx.op("Reshape", [total, onnx.integers(node.output.shape)]);
}

function cast(onnx: OnnxGraph, inputs: readonly string[], type: keyof typeof elementTypes): string {
  return onnx.op("Cast", inputs, { attributes: { to: elementTypes[type] } });
}

function axesWhere(value: Value | undefined, test: (size: number, axis: number) => boolean): number[] {
  const shape: Shape = value?.shape ?? [];
  return shape.flatMap((size, axis) => (test(size, axis) ? [axis] : []));
}

function arrayOf(dtype: DType, values: readonly number[]): Data {
  if (dtype === "float32") return Float32Array.from(values);
  return dtype === "int32" ? Int32Array.from(values) : Uint8Array.from(values);
}
