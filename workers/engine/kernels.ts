// Every tfjs kernel that may appear in a step, as primitives.
//
// One table: kernel name -> what it means. A kernel that is missing here fails at trace time with its name. Attribute
// habits of tfjs (negative axes, sizes of -1, numbers for arrays) end here. Not here on purpose: complex numbers and
// FFT (a DFT as a matrix product is faster at our sizes), convolution kernels, and kernels without a gradient in tfjs.
import * as tf from "@tensorflow/tfjs";
import type { GraphBuilder, Plain } from "./builder.ts";
import { EngineError } from "./errors.ts";
import type { DType, Shape, Value } from "./graph.ts";
import { sizeOf } from "./graph.ts";

type One = { readonly x: Value };
type Two = { readonly a: Value; readonly b: Value };
type Many = readonly Value[];
type Reduced = { readonly axis: number | number[]; readonly keepDims?: boolean };
export type KernelRule = (graph: GraphBuilder, inputs: never, attributes: never) => Value | Value[];

export const kernels: Readonly<Record<string, KernelRule>> = {
  Identity: (_graph, { x }: One) => x,
  Cast: (graph, { x }: One, { dtype }: tf.CastAttrs) => convert(graph, x, elementType(dtype)),

  Add: binary("add"),
  Sub: binary("sub"),
  Multiply: binary("mul"),
  RealDiv: binary("div"),
  Maximum: binary("max"),
  Minimum: binary("min"),
  Pow: binary("pow"),
  AddN: (graph, inputs: Many) => inputs.reduce((sum, input) => graph.op("add", sum, input)),
  SquaredDifference: (graph, { a, b }: Two) => square(graph, graph.op("sub", a, b)),
  /** int32 in tfjs whatever goes in. */
  FloorDiv: (graph, { a, b }: Two) => convert(graph, floorOfRatio(graph, a, b), "int32"),
  Mod: (graph, { a, b }: Two) => {
    const times = convert(graph, floorOfRatio(graph, a, b), a.dtype);
    return graph.op("sub", a, graph.op("mul", b, times));
  },

  Less: binary("less"),
  LessEqual: binary("lessEqual"),
  Greater: (graph, { a, b }: Two) => graph.op("less", b, a),
  GreaterEqual: (graph, { a, b }: Two) => graph.op("lessEqual", b, a),
  Equal: binary("equal"),
  NotEqual: (graph, { a, b }: Two) => graph.op("not", graph.op("equal", a, b)),
  LogicalAnd: binary("and"),
  LogicalOr: binary("or"),
  LogicalNot: unary("not"),
  Select: (graph, { condition, t, e }: { condition: Value; t: Value; e: Value }) => graph.op("select", condition, t, e),

  Neg: unary("neg"),
  Abs: unary("abs"),
  Sign: unary("sign"),
  Floor: unary("floor"),
  Ceil: unary("ceil"),
  Round: unary("round"),
  Exp: unary("exp"),
  Expm1: unary("expm1"),
  Log: unary("log"),
  Log1p: unary("log1p"),
  Sqrt: unary("sqrt"),
  Sin: unary("sin"),
  Cos: unary("cos"),
  Tanh: unary("tanh"),
  Erf: unary("erf"),
  Sigmoid: unary("sigmoid"),
  Softplus: unary("softplus"),
  Elu: unary("elu"),
  Square: (graph, { x }: One) => square(graph, x),
  Rsqrt: (graph, { x }: One) => graph.op("div", graph.constant(1), graph.op("sqrt", x)),
  Reciprocal: (graph, { x }: One) => graph.op("div", graph.constant(1), x),
  Relu: (graph, { x }: One) => graph.op("max", x, graph.constant(0, [], x.dtype)),
  Relu6: (graph, { x }: One) => clip(graph, x, 0, 6),
  ClipByValue: (graph, { x }: One, { clipValueMin, clipValueMax }: tf.ClipByValueAttrs) =>
    clip(graph, x, clipValueMin, clipValueMax),
  LeakyRelu: (graph, { x }: One, { alpha }: tf.LeakyReluAttrs) => {
    const isNegative = graph.op("less", x, graph.constant(0));
    return graph.op("select", isNegative, graph.op("mul", x, graph.constant(alpha)), x);
  },
  Step: (graph, { x }: One, { alpha }: tf.StepAttrs) => {
    const isPositive = graph.op("less", graph.constant(0, [], x.dtype), x);
    if (alpha === 0) return convert(graph, isPositive, x.dtype);
    return graph.op("select", isPositive, graph.constant(1), graph.constant(alpha));
  },
  /** y is the output of elu: its slope is 1 above zero and y + 1 below. */
  EluGrad: (graph, { dy, y }: { dy: Value; y: Value }) => {
    const slope = graph.op("add", graph.op("min", y, graph.constant(0)), graph.constant(1));
    return graph.op("mul", dy, slope);
  },
  Softmax: (graph, { logits }: { logits: Value }) => graph.op("softmax", logits),

  Sum: (graph, { x }: One, attributes: Reduced) => graph.emit("reduceSum", [x], reduced(x, attributes)),
  Mean: (graph, { x }: One, attributes: Reduced) => {
    const { axes, keepDims } = reduced(x, attributes);
    const count = sizeOf(axes.map((axis) => x.shape[axis] ?? 1));
    const sum = graph.emit("reduceSum", [convert(graph, x, "float32")], { axes, keepDims });
    return graph.op("mul", sum, graph.constant(1 / count));
  },
  Max: (graph, { x }: One, { reductionIndices, keepDims }: tf.MaxAttrs) =>
    graph.emit("reduceMax", [x], reduced(x, { axis: reductionIndices, keepDims })),
  Min: (graph, { x }: One, attributes: Reduced) => graph.emit("reduceMin", [x], reduced(x, attributes)),
  All: (graph, { x }: One, attributes: Reduced) => {
    const least = graph.emit("reduceMin", [convert(graph, x, "int32")], reduced(x, attributes));
    return convert(graph, least, "bool");
  },
  Any: (graph, { x }: One, attributes: Reduced) => {
    const greatest = graph.emit("reduceMax", [convert(graph, x, "int32")], reduced(x, attributes));
    return convert(graph, greatest, "bool");
  },
  ArgMax: (graph, { x }: One, { axis }: tf.ArgMaxAttrs) => graph.emit("argMax", [x], { axis: axisOf(x, axis) }),
  ArgMin: (graph, { x }: One, { axis }: tf.ArgMinAttrs) =>
    graph.emit("argMax", [graph.op("neg", x)], { axis: axisOf(x, axis) }),
  Cumsum: (graph, { x }: One, { axis, exclusive, reverse }: tf.CumsumAttrs) =>
    graph.emit("cumsum", [x], { axis: axisOf(x, axis), exclusive: !!exclusive, reverse: !!reverse }),
  BatchMatMul: (graph, { a, b }: Two, { transposeA, transposeB }: tf.BatchMatMulAttrs) =>
    graph.emit("matMul", [a, b], { transposeA: !!transposeA, transposeB: !!transposeB }),

  Reshape: (graph, { x }: One, { shape }: tf.ReshapeAttrs) =>
    reshape(graph, x, tf.util.inferFromImplicitShape(shape, sizeOf(x.shape))),
  ExpandDims: (graph, { input }: { input: Value }, { dim }: tf.ExpandDimsAttrs) => {
    const axis = dim < 0 ? dim + input.shape.length + 1 : dim;
    return reshape(graph, input, input.shape.toSpliced(axis, 0, 1));
  },
  Transpose: (graph, { x }: One, { perm }: tf.TransposeAttrs) => graph.emit("transpose", [x], { permutation: perm }),
  Slice: (graph, { x }: One, { begin, size }: tf.SliceAttrs) => {
    const tensor = { ...x, shape: [...x.shape], dataId: {} };
    const [first = [], sizes = []] = tf.slice_util.parseSliceParams(tensor, begin, size);
    return graph.emit("slice", [x], { begin: first, size: sizes });
  },
  PadV2: (graph, { x }: One, { paddings, constantValue }: tf.PadV2Attrs) => {
    const [before, after] = [paddings.map(([first]) => first), paddings.map(([, last]) => last)];
    return graph.emit("pad", [x], { before, after, value: constantValue });
  },
  /** [n] seen as [1, n], spread over repetitions and flattened; an axis of size 1 needs no splitting. */
  Tile: (graph, { x }: One, { reps }: tf.TileAttrs) => {
    const sizes = x.shape.map((size, axis) => ({ size, times: reps[axis] ?? 1 }));
    const isSplit = ({ size, times }: { size: number; times: number }) => times > 1 && size > 1;
    const apart = reshape(
      graph,
      x,
      sizes.flatMap((axis) => (isSplit(axis) ? [1, axis.size] : [axis.size])),
    );
    const shape = sizes.flatMap((axis) => (isSplit(axis) ? [axis.times, axis.size] : [axis.size * axis.times]));
    const repeated = graph.emit("broadcast", [apart], { shape });
    return reshape(
      graph,
      repeated,
      sizes.map(({ size, times }) => size * times),
    );
  },
  Concat: (graph, inputs: Many, { axis }: tf.ConcatAttrs) => concat(graph, inputs, axis),
  Pack: (graph, inputs: Many, { axis }: tf.PackAttrs) => {
    const at = axis < 0 ? axis + (inputs[0]?.shape.length ?? 0) + 1 : axis;
    return concat(
      graph,
      inputs.map((input) => reshape(graph, input, input.shape.toSpliced(at, 0, 1))),
      at,
    );
  },
  Unpack: (graph, { value }: { value: Value }, { axis }: tf.UnpackAttrs) => {
    const at = axisOf(value, axis);
    const parts = split(graph, value, Array<number>(value.shape[at] ?? 0).fill(1), at);
    return parts.map((part) => reshape(graph, part, part.shape.toSpliced(at, 1)));
  },
  SplitV: (graph, { x }: One, { numOrSizeSplits, axis }: tf.SplitVAttrs) => {
    const at = axisOf(x, axis);
    const tensor = { shape: [...x.shape] } as tf.Tensor;
    return split(graph, x, tf.backend_util.prepareSplitSize(tensor, numOrSizeSplits, at), at);
  },
  Reverse: (graph, { x }: One, { dims }: tf.ReverseAttrs) => {
    const axes = tf.util.parseAxisParam(dims, [...x.shape]);
    return axes.length === 0 ? x : graph.emit("reverse", [x], { axes });
  },
  GatherV2: (graph, { x, indices }: { x: Value; indices: Value }, { axis, batchDims }: tf.GatherV2Attrs) => {
    if (batchDims !== 0) throw new EngineError(`GatherV2 with batchDims ${batchDims}: only 0 can be traced`);
    return graph.emit("gather", [x, indices], { axis: axisOf(x, axis) });
  },
  UnsortedSegmentSum: (
    graph,
    { x, segmentIds }: { x: Value; segmentIds: Value },
    { numSegments }: tf.UnsortedSegmentSumAttrs,
  ) => graph.emit("scatterAdd", [x, segmentIds], { size: numSegments }),
  OneHot: (graph, { indices }: { indices: Value }, { depth, dtype, onValue, offValue }: tf.OneHotAttrs) => {
    const column = reshape(graph, indices, [...indices.shape, 1]);
    const isHot = graph.op("equal", column, graph.emit("iota", [], { size: depth }));
    const type = elementType(dtype);
    if (onValue === 1 && offValue === 0) return convert(graph, isHot, type);
    return graph.op("select", isHot, graph.constant(onValue, [], type), graph.constant(offValue, [], type));
  },

  Fill: (graph, _inputs: object, { shape, value, dtype }: tf.FillAttrs) => {
    if (typeof value === "string") throw new EngineError(`Fill with the text "${value}" cannot be traced`);
    return graph.constant(value, shape, elementType(dtype));
  },
  ZerosLike: (graph, { x }: One) => graph.constant(0, x.shape, x.dtype),
  OnesLike: (graph, { x }: One) => graph.constant(1, x.shape, x.dtype),
  Range: (graph, _inputs: object, { start, stop, step, dtype }: tf.RangeAttrs) => {
    const count = Math.max(0, Math.ceil((stop - start) / step));
    const type = elementType(dtype);
    const steps = graph.op(
      "mul",
      convert(graph, graph.emit("iota", [], { size: count }), type),
      graph.constant(step, [], type),
    );
    return start === 0 ? steps : graph.op("add", steps, graph.constant(start, [], type));
  },
  LinSpace: (graph, _inputs: object, { start, stop, num }: tf.LinSpaceAttrs) => {
    const step = num > 1 ? (stop - start) / (num - 1) : 0;
    return graph.constant(
      Float32Array.from({ length: num }, (_, i) => start + i * step),
      [num],
    );
  },
};

function unary(primitive: Plain): KernelRule {
  return (graph, { x }: One) => graph.op(primitive, x);
}

function binary(primitive: Plain): KernelRule {
  return (graph, { a, b }: Two) => graph.op(primitive, a, b);
}

function square(graph: GraphBuilder, x: Value): Value {
  return graph.op("mul", x, x);
}

/** In float32: exact for integers below 2^24. */
function floorOfRatio(graph: GraphBuilder, a: Value, b: Value): Value {
  return graph.op("floor", graph.op("div", convert(graph, a, "float32"), convert(graph, b, "float32")));
}

function clip(graph: GraphBuilder, x: Value, least: number, most: number): Value {
  const raised = graph.op("max", x, graph.constant(least, [], x.dtype));
  return graph.op("min", raised, graph.constant(most, [], x.dtype));
}

function convert(graph: GraphBuilder, x: Value, dtype: DType): Value {
  return graph.emit("convert", [x], { dtype });
}

function reshape(graph: GraphBuilder, x: Value, shape: Shape): Value {
  return graph.emit("reshape", [x], { shape });
}

/** Empty inputs add nothing, and some engines refuse them. */
function concat(graph: GraphBuilder, inputs: Many, axis: number): Value {
  const [first] = inputs;
  if (!first) throw new EngineError("Concat without inputs");
  const full = inputs.filter((input) => sizeOf(input.shape) > 0);
  return full.length === 0 ? first : graph.emit("concat", full, { axis: axisOf(first, axis) });
}

function split(graph: GraphBuilder, x: Value, sizes: readonly number[], axis: number): Value[] {
  let start = 0;
  return sizes.map((size) => {
    const begin = x.shape.map((_, i) => (i === axis ? start : 0));
    start += size;
    return graph.emit("slice", [x], { begin, size: x.shape.with(axis, size) });
  });
}

function reduced(x: Value, { axis, keepDims }: Reduced): { axes: number[]; keepDims: boolean } {
  return { axes: tf.util.parseAxisParam(axis, [...x.shape]), keepDims: !!keepDims };
}

function axisOf(x: Value, axis: number): number {
  return axis < 0 ? axis + x.shape.length : axis;
}

function elementType(dtype: tf.DataType | undefined): DType {
  const known = dtype ?? "float32";
  if (known === "float32" || known === "int32" || known === "bool") return known;
  throw new EngineError(`tensors of ${known} cannot be traced`);
}
