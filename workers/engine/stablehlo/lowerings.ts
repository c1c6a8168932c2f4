// Every simple primitive as StableHLO operations. One line each where StableHLO has the same operation.
//
// Results come in the element type that is asked for (`to.type`): float32 values may be kept as bf16. Arithmetic is
// done in that type; functions of one float and sums are computed in f32 whatever goes in and out.
import type { NodeOf, Primitive, Shape, SimplePrimitive } from "../graph.ts";
import { erf, softplus } from "./functions.ts";
import type { Block, Operand } from "./module.ts";
import { product } from "./product.ts";
import { type ElementType, elementTypes, isFloat } from "./types.ts";

export interface Target {
  /** Of the result. */
  readonly type: ElementType;
  /** Whether products of floats must not use the device's coarser arithmetic. */
  readonly isExact: boolean;
}

/** Appends the operations for one primitive; returns its result. */
export type Lowering<P extends Primitive> = (
  block: Block,
  inputs: readonly Operand[],
  node: NodeOf<P>,
  to: Target,
) => Operand;

export type Lowerings = { readonly [P in SimplePrimitive]: Lowering<P> };

/** Up to so many rows, a table of floats is read and added to by products: a scatter-add of bf16 takes six times as long. */
const mostRowsByProduct = 1024;

export const lowerings = {
  constant: (block, _inputs, { attributes: { shape, dtype, data } }) =>
    typeof data === "number"
      ? block.constant(data, shape, elementTypes[dtype])
      : block.tensor(data, shape, dtype === "float32" ? "f32" : dtype === "int32" ? "i32" : "i1"),
  iota: (block, _inputs, { attributes: { size } }) => block.iota([size], 0),

  add: elementwise("add"),
  sub: elementwise("subtract"),
  mul: elementwise("multiply"),
  div: elementwise("divide"),
  max: elementwise("maximum"),
  min: elementwise("minimum"),
  pow: elementwise("power"),
  less: comparison("LT"),
  lessEqual: comparison("LE"),
  equal: comparison("EQ"),
  and: elementwise("and"),
  or: elementwise("or"),
  not: elementwise("not"),
  select: (block, [condition, then, otherwise], { output: { shape } }, { type }) => {
    const spread = (x: Operand) => block.spread(block.as(x, type), shape);
    return block.select(block.spread(given(condition), shape), spread(given(then)), spread(given(otherwise)));
  },
  convert: (block, [x], _node, { type }) => block.as(given(x), type),

  neg: elementwise("negate"),
  abs: elementwise("abs"),
  sign: elementwise("sign"),
  floor: elementwise("floor"),
  ceil: elementwise("ceil"),
  round: elementwise("round_nearest_even"),
  exp: unary("exponential"),
  expm1: unary("exponential_minus_one"),
  log: unary("log"),
  log1p: unary("log_plus_one"),
  sqrt: unary("sqrt"),
  sin: unary("sine"),
  cos: unary("cosine"),
  tanh: unary("tanh"),
  erf: inFloat32(erf),
  sigmoid: unary("logistic"),
  softplus: inFloat32(softplus),
  elu: inFloat32((block, x) => {
    const zero = block.constant(0, x.shape, x.type);
    const below = block.op("exponential_minus_one", block.op("minimum", x, zero));
    return block.select(block.compare("GT", x, zero), x, below);
  }),
  softmax: inFloat32((block, x) => {
    const last = x.shape.length - 1;
    const column = (totals: Operand) => block.spread(block.reshape(totals, x.shape.with(last, 1)), x.shape);
    const greatest = block.reduce("maximum", x, Number.NEGATIVE_INFINITY, [last]);
    const exponentials = block.op("exponential", block.op("subtract", x, column(greatest)));
    return block.op("divide", exponentials, column(block.reduce("add", exponentials, 0, [last])));
  }),

  reduceSum: (block, [x], { attributes: { axes }, output: { shape } }, { type }) => {
    const terms = isFloat(type) ? block.as(given(x), "f32") : given(x);
    return block.as(block.reshape(block.reduce("add", terms, 0, axes), shape), type);
  },
  reduceMax: extreme("maximum", -1),
  reduceMin: extreme("minimum", 1),
  /** The first place that holds the greatest value. */
  argMax: (block, [input], { attributes: { axis } }) => {
    const x = given(input);
    const greatest = block.reduce("maximum", x, farthest(x.type, -1), [axis]);
    const kept = [...x.shape.keys()].filter((i) => i !== axis);
    const isGreatest = block.compare("EQ", x, block.broadcast(greatest, x.shape, kept));
    const last = block.constant((x.shape[axis] ?? 1) - 1, x.shape, "i32");
    const places = block.select(isGreatest, block.iota(x.shape, axis), last);
    return block.reduce("minimum", places, farthest("i32", 1), [axis]);
  },
  /**
   * Sums over 1, 2, 4 ... neighbours: log2 T passes of additions, as JAX does it on GPUs. A product with a triangle
   * multiplies T times as much, in full precision away from the fast units; a window of T sums reads T times as much.
   */
  cumsum: (block, [x], { attributes: { axis, exclusive, reverse } }, { type }) => {
    let sums = isFloat(type) ? block.as(given(x), "f32") : given(x);
    const length = sums.shape[axis] ?? 1;
    if (exclusive) sums = shifted(block, sums, axis, 1, reverse);
    for (let distance = 1; distance < length; distance *= 2) {
      sums = block.op("add", sums, shifted(block, sums, axis, distance, reverse));
    }
    return block.as(sums, type);
  },
  matMul: (block, [a, b], { attributes, output }, to) =>
    product(block, given(a), given(b), attributes, output.shape, to),

  reshape: (block, [x], { output: { shape } }, { type }) => block.reshape(block.as(given(x), type), shape),
  broadcast: (block, [x], { output: { shape } }, { type }) => block.spread(block.as(given(x), type), shape),
  transpose: (block, [x], { attributes: { permutation } }, { type }) =>
    block.transpose(block.as(given(x), type), permutation),
  slice: (block, [x], { attributes: { begin, size } }, { type }) => block.slice(block.as(given(x), type), begin, size),
  pad: (block, [x], { attributes: { before, after, value } }, { type }) =>
    block.pad(block.as(given(x), type), value, before, after),
  concat: (block, [first, ...rest], { attributes: { axis } }, { type }) => {
    const parts = rest.map((part) => block.as(part, type));
    return block.concatenate([block.as(given(first), type), ...parts], axis);
  },
  reverse: (block, [x], { attributes: { axes } }, { type }) => block.reverse(block.as(given(x), type), axes),
  gather: (block, [table, rows], { attributes: { axis } }, { type }) => {
    const x = block.as(given(table), type);
    const indices = given(rows);
    const count = x.shape[axis] ?? 1;
    if (!isFloat(type) || axis !== 0 || count > mostRowsByProduct) return block.gather(x, indices, axis);
    const hot = oneHot(block, indices, count, type);
    return block.dot(hot, x, { batching: [[], []], contracting: [[indices.shape.length], [0]] }, type, type === "f32");
  },
  scatterAdd: (block, [input, rows], { attributes: { size } }, { type }) => {
    const x = given(input);
    if (!isFloat(x.type) || size > mostRowsByProduct) {
      const sums = block.scatterAdd(isFloat(x.type) ? block.as(x, "f32") : x, given(rows), size);
      return block.as(sums, type);
    }
    const hot = oneHot(block, given(rows), size, x.type);
    const axes = { batching: [[], []], contracting: [[0], [0]] } as const;
    return block.as(block.dot(hot, x, axes, "f32", x.type === "f32"), type);
  },
} satisfies Lowerings;

function elementwise(name: string): Lowering<SimplePrimitive> {
  return (block, inputs, { output: { shape } }, { type }) => {
    const [first, ...rest] = inputs.map((x) => block.spread(block.as(x, type), shape));
    return block.op(name, given(first), ...rest);
  };
}

function comparison(order: "LT" | "LE" | "EQ"): Lowering<"less" | "lessEqual" | "equal"> {
  return (block, [a, b], { output: { shape } }) => {
    const [left, right] = [given(a), given(b)];
    const type = left.type === right.type ? left.type : "f32";
    return block.compare(order, block.spread(block.as(left, type), shape), block.spread(block.as(right, type), shape));
  };
}

function inFloat32(compute: (block: Block, x: Operand) => Operand): Lowering<SimplePrimitive> {
  return (block, [x], _node, { type }) => block.as(compute(block, block.as(given(x), "f32")), type);
}

function unary(name: string): Lowering<SimplePrimitive> {
  return inFloat32((block, x) => block.op(name, x));
}

function extreme(name: "maximum" | "minimum", sign: 1 | -1): Lowering<"reduceMax" | "reduceMin"> {
  return (block, [x], { attributes: { axes }, output: { shape } }, { type }) =>
    block.as(block.reshape(block.reduce(name, given(x), farthest(given(x).type, sign), axes), shape), type);
}

/** What no maximum (sign -1) or minimum (sign 1) is changed by. */
function farthest(type: ElementType, sign: 1 | -1): number {
  if (isFloat(type)) return sign * Number.POSITIVE_INFINITY;
  return sign === 1 ? 2147483647 : -2147483648;
}

/** Moved along an axis, away from its beginning (or its end, in reverse), with zeros after it. */
function shifted(block: Block, x: Operand, axis: number, distance: number, reverse: boolean): Operand {
  const none = x.shape.map(() => 0);
  const edge = none.with(axis, distance);
  const kept: Shape = x.shape.with(axis, (x.shape[axis] ?? 1) - distance);
  const part = block.slice(x, reverse ? edge : none, kept);
  return reverse ? block.pad(part, 0, none, edge) : block.pad(part, 0, edge, none);
}

/** [...] -> [..., count], one where the index is the place. */
function oneHot(block: Block, indices: Operand, count: number, type: ElementType): Operand {
  const shape = [...indices.shape, count];
  const places = block.iota(shape, shape.length - 1);
  return block.as(block.compare("EQ", block.broadcast(indices, shape, [...indices.shape.keys()]), places), type);
}

function given(x: Operand | undefined): Operand {
  return x as Operand;
}
