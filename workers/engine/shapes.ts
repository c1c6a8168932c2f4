// What each primitive returns for given inputs: shape and element type. Wrong inputs are errors here, at trace time.
import { EngineError } from "./errors.ts";
import type { Attributes, DType, Primitive, Shape, Value } from "./graph.ts";
import { sizeOf } from "./graph.ts";

export interface Result {
  readonly shape: Shape;
  readonly dtype: DType;
}
type Rule<P extends Primitive> = (inputs: readonly Value[], attributes: Attributes[P]) => Result;

const elementwise = (inputs: readonly Value[]): Result => ({
  shape: broadcastShapes(...inputs.map((input) => input.shape)),
  dtype: sameType(inputs),
});
const arithmetic = (inputs: readonly Value[]): Result => {
  const result = elementwise(inputs);
  if (result.dtype === "bool")
    throw new EngineError(`${inputs.map(text).join(" and ")}: cast booleans to numbers first`);
  return result;
};
const comparison = (inputs: readonly Value[]): Result => ({ ...elementwise(inputs), dtype: "bool" });
const reduction = (inputs: readonly Value[], { axes, keepDims }: Attributes["reduceSum"]): Result => {
  const [x] = expect(inputs, 1);
  const kept = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return { shape: keepDims ? kept : kept.filter((_, axis) => !axes.includes(axis)), dtype: x.dtype };
};

export const resultOf: { readonly [P in Primitive]: Rule<P> } = {
  constant: (_inputs, { shape, dtype }) => ({ shape, dtype }),
  iota: (_inputs, { size }) => ({ shape: [size], dtype: "int32" }),

  add: arithmetic,
  sub: arithmetic,
  mul: arithmetic,
  div: arithmetic,
  max: arithmetic,
  min: arithmetic,
  pow: arithmetic,
  less: comparison,
  lessEqual: comparison,
  equal: comparison,
  and: elementwise,
  or: elementwise,
  not: elementwise,
  select: (inputs) => {
    const [condition, then, otherwise] = expect(inputs, 3);
    const shape = broadcastShapes(condition.shape, then.shape, otherwise.shape);
    return { shape, dtype: sameType([then, otherwise]) };
  },
  convert: (inputs, { dtype }) => ({ shape: expect(inputs, 1)[0].shape, dtype }),

  neg: arithmetic,
  abs: arithmetic,
  sign: arithmetic,
  floor: arithmetic,
  ceil: arithmetic,
  round: arithmetic,
  exp: arithmetic,
  expm1: arithmetic,
  log: arithmetic,
  log1p: arithmetic,
  sqrt: arithmetic,
  sin: arithmetic,
  cos: arithmetic,
  tanh: arithmetic,
  erf: arithmetic,
  sigmoid: arithmetic,
  softplus: arithmetic,
  elu: arithmetic,
  softmax: arithmetic,

  reduceSum: reduction,
  reduceMax: reduction,
  reduceMin: reduction,
  argMax: (inputs, { axis }) => ({ ...reduction(inputs, { axes: [axis], keepDims: false }), dtype: "int32" }),
  cumsum: arithmetic,
  matMul: (inputs, { transposeA, transposeB }) => {
    const [a, b] = expect(inputs, 2);
    if (a.dtype !== "float32") throw new EngineError(`matMul: ${text(a)}: only float32 can be multiplied`);
    const [rows, inner] = lastTwo(a.shape, transposeA);
    const [innerB, columns] = lastTwo(b.shape, transposeB);
    if (inner !== innerB) throw new EngineError(`matMul: ${text(a)} and ${text(b)} differ in the summed axis`);
    const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
    return { shape: [...batch, rows, columns], dtype: sameType(inputs) };
  },

  reshape: (inputs, { shape }) => {
    const [x] = expect(inputs, 1);
    if (sizeOf(shape) !== sizeOf(x.shape)) throw new EngineError(`reshape: ${text(x)} does not fit [${shape}]`);
    return { shape, dtype: x.dtype };
  },
  broadcast: (inputs, { shape }) => {
    const [x] = expect(inputs, 1);
    const result = broadcastShapes(x.shape, shape);
    if (result.join() !== shape.join()) throw new EngineError(`broadcast: ${text(x)} does not spread to [${shape}]`);
    return { shape, dtype: x.dtype };
  },
  transpose: (inputs, { permutation }) => {
    const [x] = expect(inputs, 1);
    return { shape: permutation.map((axis) => x.shape[axis] ?? 1), dtype: x.dtype };
  },
  slice: (inputs, { begin, size }) => {
    const [x] = expect(inputs, 1);
    for (const [axis, length] of x.shape.entries()) {
      const first = begin[axis] ?? 0;
      const end = first + (size[axis] ?? 0);
      if (first < 0 || end > length) throw new EngineError(`slice: ${first}..${end} leaves axis ${axis} of ${text(x)}`);
    }
    return { shape: size, dtype: x.dtype };
  },
  pad: (inputs, { before, after }) => {
    const [x] = expect(inputs, 1);
    return { shape: x.shape.map((size, axis) => size + (before[axis] ?? 0) + (after[axis] ?? 0)), dtype: x.dtype };
  },
  concat: (inputs, { axis }) => {
    const [first] = inputs;
    if (!first) throw new EngineError("concat: no inputs");
    const length = inputs.reduce((sum, input) => sum + (input.shape[axis] ?? 0), 0);
    return { shape: first.shape.map((size, i) => (i === axis ? length : size)), dtype: sameType(inputs) };
  },
  reverse: elementwise,
  gather: (inputs, { axis }) => {
    const [x, indices] = expect(inputs, 2);
    return { shape: x.shape.toSpliced(axis, 1, ...indices.shape), dtype: x.dtype };
  },
  scatterAdd: (inputs, { size }) => {
    const [rows] = expect(inputs, 2);
    return { shape: [size, ...rows.shape.slice(1)], dtype: rows.dtype };
  },

  attention: (inputs) => attention(expect(inputs, 3)),
  attentionStatistics: (inputs) => {
    const { shape, dtype } = attention(expect(inputs, 3));
    const [members = 1, batch = 1, length = 1, heads = 1] = shape;
    return { shape: [members, batch, heads, length], dtype };
  },
  attentionGradient: (inputs, { of }) => {
    const [q, k, v] = expect(inputs, 6);
    attention([q, k, v]);
    return { query: q, key: k, value: v }[of];
  },
  selectiveScan: (inputs) => selectiveScan(expect(inputs, 5)),
  selectiveScanGradient: (inputs, { of }) => {
    const [u, dt, a, b, c] = expect(inputs, 6);
    selectiveScan([u, dt, a, b, c]);
    return { u, dt, a, b, c }[of];
  },
  gatedMlp: (inputs) => gatedMlp(expect(inputs, 4)),
  gatedMlpGradient: (inputs, { of }) => {
    const [x, w1, w2, w3] = expect(inputs, 5);
    gatedMlp([x, w1, w2, w3]);
    return { x, w1, w2, w3 }[of];
  },
  shortConvolution: (inputs) => {
    const [x, weight, bias] = inputs as [Value, Value, Value?];
    expect(inputs, bias ? 3 : 2);
    return shortConvolution(x, weight, bias);
  },
  shortConvolutionGradient: (inputs, { of }) => {
    const [x, weight, dy] = expect(inputs, 3);
    const y = shortConvolution(x, weight);
    requireShape("shortConvolutionGradient", dy, y.shape);
    const [members = 1, channels = 1] = weight.shape;
    return { x, weight, bias: { shape: [members, channels], dtype: x.dtype } }[of];
  },
  residualNorm: (inputs) => {
    const [x, ...others] = expect(inputs, inputs.length === 3 ? 3 : 2) as readonly [Value, ...Value[]];
    const [members = 1, , , width = 1] = x.shape;
    if (others.length === 2) requireShape("residualNorm", others[0] as Value, x.shape);
    requireShape("residualNorm", others.at(-1) as Value, [members, width]);
    return x;
  },
  residualNormGradient: (inputs, { of }) => {
    const [sum, weight, ...gradients] = expect(inputs, 4);
    for (const gradient of gradients) requireShape("residualNormGradient", gradient, sum.shape);
    return { x: sum, weight }[of];
  },
  recurrence: (inputs) => {
    const [decay, input] = expect(inputs, 2);
    requireShape("recurrence", decay, input.shape);
    return input;
  },
  causalConvolution: (inputs) => causalConvolution(expect(inputs, 2)),
  causalConvolutionGradient: (inputs, { of }) => {
    const [filter, x, dy] = expect(inputs, 3);
    requireShape("causalConvolutionGradient", dy, causalConvolution([filter, x]).shape);
    return { filter, x }[of];
  },
};

function attention([q, k, v]: readonly [Value, Value, Value]): Result {
  const [members = 1, batch = 1, length = 1, heads = 1, width = 1] = q.shape;
  const kvHeads = k.shape[3] ?? 1;
  if (heads % kvHeads !== 0) throw new EngineError(`attention: ${kvHeads} key heads do not divide ${heads} heads`);
  const valueWidth = v.shape[4] ?? 1;
  requireShape("attention", k, [members, batch, length, kvHeads, width]);
  requireShape("attention", v, [members, batch, length, kvHeads, valueWidth]);
  return { shape: [members, batch, length, heads, valueWidth], dtype: q.dtype };
}

function selectiveScan([u, dt, a, b, c]: readonly [Value, Value, Value, Value, Value]): Result {
  const [members = 1, batch = 1, length = 1, channels = 1] = u.shape;
  const states = a.shape[2] ?? 1;
  requireShape("selectiveScan", dt, u.shape);
  requireShape("selectiveScan", a, [members, channels, states]);
  for (const perState of [b, c]) requireShape("selectiveScan", perState, [members, batch, length, states]);
  return u;
}

function gatedMlp([x, w1, w2, w3]: readonly [Value, Value, Value, Value]): Result {
  const [members = 1, , , width = 1] = x.shape;
  const inner = w1.shape[1] ?? 1;
  for (const weight of [w1, w2]) requireShape("gatedMlp", weight, [members, inner, width]);
  requireShape("gatedMlp", w3, [members, width, inner]);
  return x;
}

function causalConvolution([filter, x]: readonly [Value, Value]): Result {
  const [members = 1, , length = 1, channels = 1] = x.shape;
  requireShape("causalConvolution", filter, [members, channels, length]);
  return x;
}

function shortConvolution(x: Value, weight: Value, bias?: Value): Result {
  const [members = 1, batch = 1, length = 1, inputs = 1] = x.shape;
  const [, channels = 1, , taps = 1] = weight.shape;
  if (channels % inputs !== 0) {
    throw new EngineError(`shortConvolution: ${inputs} input channels do not divide ${channels} channels`);
  }
  requireShape("shortConvolution", weight, [members, channels, 1, taps]);
  if (bias) requireShape("shortConvolution", bias, [members, channels]);
  return { shape: [members, batch, length, channels], dtype: x.dtype };
}

function requireShape(primitive: Primitive, value: Value, shape: Shape): void {
  if (value.shape.join() === shape.join() && value.dtype === "float32") return;
  throw new EngineError(`${primitive}: ${text(value)} where float32[${shape}] is expected`);
}

/** numpy's rule: shapes aligned at the end, an axis of size 1 spreads. */
export function broadcastShapes(...shapes: readonly Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((shape) => shape[shape.length - rank + i] ?? 1);
    const size = sizes.find((candidate) => candidate !== 1) ?? 1;
    if (sizes.some((other) => other !== 1 && other !== size)) {
      throw new EngineError(`shapes ${shapes.map((shape) => `[${shape}]`).join(" and ")} do not broadcast`);
    }
    return size;
  });
}

function lastTwo(shape: Shape, swapped: boolean): [number, number] {
  const [first = 1, second = 1] = shape.slice(-2);
  return swapped ? [second, first] : [first, second];
}

function sameType(inputs: readonly Value[]): DType {
  const dtype = inputs[0]?.dtype ?? "float32";
  if (inputs.some((input) => input.dtype !== dtype)) {
    throw new EngineError(`operands of different types: ${inputs.map(text).join(", ")}`);
  }
  return dtype;
}

type Values<N extends number, V extends Value[] = []> = V["length"] extends N ? V : Values<N, [...V, Value]>;

function expect<N extends 1 | 2 | 3 | 4 | 5 | 6>(inputs: readonly Value[], count: N): Values<N> {
  if (inputs.length !== count) throw new EngineError(`${count} inputs expected, ${inputs.length} given`);
  return inputs as unknown as Values<N>;
}

function text(value: Value): string {
  return `${value.dtype}[${value.shape}]`;
}
