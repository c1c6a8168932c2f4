// A traced step as data: primitive operations in order, each with one result.
//
// tfjs has some two hundred kernels with untidy attributes; the tracer (`kernels.ts`) normalises them to the primitives
// listed here, so that a lowering to another system is a short table. Elementwise primitives broadcast like numpy;
// every shape is known; an axis is never negative.
import { createHash } from "node:crypto";
import type { AttentionWeighting } from "../../operators/fused.ts";

export type DType = "float32" | "int32" | "bool";
export type Shape = readonly number[];
export type Data = Float32Array | Int32Array | Uint8Array;

/** The result of one node, or an input of the graph. */
export interface Value {
  readonly id: number;
  readonly shape: Shape;
  readonly dtype: DType;
}

type None = Readonly<Record<string, never>>;
type Axes = { readonly axes: readonly number[]; readonly keepDims: boolean };
type Axis = { readonly axis: number };

/** The primitives that every engine has, with what each needs beside its inputs. */
export interface SimpleAttributes {
  /** A number stands for a tensor filled with it. */
  readonly constant: { readonly shape: Shape; readonly dtype: DType; readonly data: number | Data };
  /** 0, 1, 2, ... int32 [size]. */
  readonly iota: { readonly size: number };

  readonly add: None;
  readonly sub: None;
  readonly mul: None;
  /** int32 operands truncate towards zero. */
  readonly div: None;
  readonly max: None;
  readonly min: None;
  readonly pow: None;
  readonly less: None;
  readonly lessEqual: None;
  readonly equal: None;
  readonly and: None;
  readonly or: None;
  readonly not: None;
  /** condition (bool), then, otherwise. */
  readonly select: None;
  /** float32 to int32 truncates; anything to bool asks whether it differs from zero. */
  readonly convert: { readonly dtype: DType };

  readonly neg: None;
  readonly abs: None;
  readonly sign: None;
  readonly floor: None;
  readonly ceil: None;
  /** Halves to even. */
  readonly round: None;
  readonly exp: None;
  readonly expm1: None;
  readonly log: None;
  readonly log1p: None;
  readonly sqrt: None;
  readonly sin: None;
  readonly cos: None;
  readonly tanh: None;
  readonly erf: None;
  // Kept whole although they could be spelt out: one pass over memory on engines that do not fuse.
  readonly sigmoid: None;
  readonly softplus: None;
  readonly elu: None;
  /** Over the last axis. */
  readonly softmax: None;

  readonly reduceSum: Axes;
  readonly reduceMax: Axes;
  readonly reduceMin: Axes;
  /** int32, without the axis; the first of equals. */
  readonly argMax: Axis;
  readonly cumsum: Axis & { readonly exclusive: boolean; readonly reverse: boolean };
  /** Over the last two axes; the others broadcast. */
  readonly matMul: { readonly transposeA: boolean; readonly transposeB: boolean };

  readonly reshape: { readonly shape: Shape };
  readonly broadcast: { readonly shape: Shape };
  readonly transpose: { readonly permutation: readonly number[] };
  readonly slice: { readonly begin: readonly number[]; readonly size: readonly number[] };
  readonly pad: {
    readonly before: readonly number[];
    readonly after: readonly number[];
    readonly value: number;
  };
  readonly concat: Axis;
  readonly reverse: { readonly axes: readonly number[] };
  /** Slices of the first input along `axis`, at indices (int32, any shape) that take the axis's place. */
  readonly gather: Axis;
  /** Rows [n, ...] added into `size` rows of zeros at indices [n]. */
  readonly scatterAdd: { readonly size: number };
}

interface Attention extends AttentionWeighting {
  readonly scale: number;
  /** Tokens before a query that it sees; null for all. */
  readonly left: number | null;
  readonly right: number | null;
}

/**
 * Whole computations, kept in one piece for an engine that asks for them (see `composites.ts`). Elsewhere operators
 * spell them out in simple primitives.
 */
export interface CompositeAttributes {
  /** q [P, B, T, H, K], k [P, B, T, G, K], v [P, B, T, G, V] -> [P, B, T, H, V]. */
  readonly attention: Attention;
  /** q, k, v -> of every query's scaled, visible scores the log-sum-exp, or 1 / (sum + eps) if linear [P, B, H, T]. */
  readonly attentionStatistics: Attention;
  /** q, k, v, attention, statistics, d attention -> d q, d k or d v. */
  readonly attentionGradient: Attention & { readonly of: "query" | "key" | "value" };

  /** h_t = exp(dt_t a) h_{t-1} + dt_t u_t b_t, y_t = c_t . h_t: u, dt [P, B, T, E], a [P, E, N], b, c [P, B, T, N] -> y. */
  readonly selectiveScan: None;
  /** u, dt, a, b, c, dy -> the gradient of one of them. */
  readonly selectiveScanGradient: { readonly of: "u" | "dt" | "a" | "b" | "c" };

  /** w3 (silu(w1 x) * (w2 x)): x [P, B, T, D], w1, w2 [P, I, D], w3 [P, D, I] -> y [P, B, T, D]. */
  readonly gatedMlp: None;
  /** x, w1, w2, w3, dy -> the gradient of one of them. */
  readonly gatedMlpGradient: { readonly of: "x" | "w1" | "w2" | "w3" };

  /** x [P, B, T, I], weight [P, C, 1, K] and, where there is one, bias [P, C] -> [P, B, T, C], channel c from c mod I. */
  readonly shortConvolution: None;
  /** x, weight, dy -> the gradient of one of them, or of a bias. */
  readonly shortConvolutionGradient: { readonly of: "x" | "weight" | "bias" };

  /** x and, where there is one, update [P, B, T, D], then weight [P, D] -> x + update, or its RMS norm times the weight. */
  readonly residualNorm: { readonly eps: number; readonly of: "sum" | "normal" };
  /** sum, weight, d sum, d normal -> d x, which is d update too, or d weight. */
  readonly residualNormGradient: { readonly eps: number; readonly of: "x" | "weight" };

  /** h_t = decay_t h_{t-1} + input_t, or from h_{t+1} in reverse: decay, input [R, T, C] -> h. */
  readonly recurrence: { readonly reverse: boolean };

  /** y_t = sum over s <= t of filter_{t-s} x_s: filter [P, C, T], x [P, B, T, C] -> y [P, B, T, C]. */
  readonly causalConvolution: None;
  /** filter, x, dy -> the gradient of one of the first two. */
  readonly causalConvolutionGradient: { readonly of: "filter" | "x" };
}

export interface Attributes extends SimpleAttributes, CompositeAttributes {}

export type SimplePrimitive = keyof SimpleAttributes;
export type Primitive = keyof Attributes;

export interface NodeOf<P extends Primitive> {
  readonly primitive: P;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes[P];
  readonly output: Value;
}
export type Node<P extends Primitive = Primitive> = { [Q in P]: NodeOf<Q> }[P];

export interface Graph<P extends Primitive = Primitive> {
  readonly inputs: Readonly<Record<string, Value>>;
  readonly nodes: readonly Node<P>[];
  readonly outputs: Readonly<Record<string, Value>>;
}

/** The number of elements. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The same graph without the nodes that no output needs. Inputs stay, so that a program keeps its signature. */
export function dropDeadNodes(graph: Graph): Graph {
  const needed = new Set(Object.values(graph.outputs).map((value) => value.id));
  const nodes: Node[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!needed.has(node.output.id)) continue;
    for (const input of node.inputs) needed.add(input.id);
    nodes.push(node);
  }
  return { ...graph, nodes: nodes.reverse() };
}

/** One line per input, node and output; equal for graphs that compute the same in the same order. */
export function graphText(graph: Graph): string {
  const numbers = new Map<number, number>();
  const define = (value: Value) => {
    numbers.set(value.id, numbers.size);
    return `%${numbers.size - 1}: ${value.dtype}[${value.shape}]`;
  };
  const use = (value: Value) => `%${numbers.get(value.id)}`;
  const lines = Object.entries(graph.inputs).map(([name, value]) => `${define(value)} = input ${name}`);
  for (const { primitive, inputs, attributes, output } of graph.nodes) {
    const operands = inputs.map(use).join(" ");
    lines.push(`${define(output)} = ${[primitive, operands, attributesText(attributes)].filter(Boolean).join(" ")}`);
  }
  lines.push(...Object.entries(graph.outputs).map(([name, value]) => `output ${name} ${use(value)}`));
  return lines.join("\n");
}

/** A key for whatever was compiled from the graph. */
export function graphHash(graph: Graph): string {
  return createHash("sha256").update(graphText(graph)).digest("hex");
}

function attributesText(attributes: Attributes[Primitive]): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name}=${valueText(value)}`)
    .join(" ");
}

function valueText(value: unknown): string {
  if (typeof value === "number") return numberText(value);
  if (!ArrayBuffer.isView(value)) return JSON.stringify(value);
  const data = value as Data;
  if (data.length <= 8) return `[${Array.from(data, numberText)}]`;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}
