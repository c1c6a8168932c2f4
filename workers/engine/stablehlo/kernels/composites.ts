// The composites of a graph on a GPU: Triton kernels inside the module.
//
// A kernel gives several of a graph's values at once (attention and its statistics, all gradients of one backward
// pass); it is called for the first of them, and the others take their results from that call.
import type { FusedKernel } from "../../../../operators/fused.ts";
import type { CompositeAttributes } from "../../graph.ts";
import type { CompositeLowerings, Composites } from "../composites.ts";
import type { Block, Operand } from "../module.ts";
import {
  type AttentionShape,
  attentionBackward,
  attentionBackwardKeys,
  attentionBackwardQueries,
  attentionForward,
  fitsOneProgram,
} from "./attention.ts";
import {
  type ConvolutionShape,
  causalConvolution,
  causalConvolutionBackward,
  causalConvolutionFilterGradient,
  filterGradientRows,
} from "./causal-convolution.ts";
import {
  defaultTiling,
  type GatedMlpShape,
  gatedMlpBackwardInput,
  gatedMlpBackwardWeights,
  gatedMlpForward,
} from "./gated-mlp.ts";
import { recurrence } from "./recurrence.ts";
import { blocksOf, type ResidualNormShape, residualNormBackward, residualNormForward } from "./residual-norm.ts";
import {
  channelBlocks,
  chunks,
  type ScanShape,
  selectiveScanBackward,
  selectiveScanForward,
} from "./selective-scan.ts";
import {
  type ShortConvolutionShape,
  shortConvolutionBackwardInput,
  shortConvolutionBackwardWeights,
  shortConvolutionForward,
} from "./short-convolution.ts";
import { type TurnShape, turn } from "./turn.ts";

type Type = "f32" | "bf16";

const lowerings: CompositeLowerings = {
  attention: (block, [q, k, v], node, { type }) =>
    block.as(forward(block, [q, k, v] as Three, node.attributes).out, type),
  attentionStatistics: (block, [q, k, v], node) => {
    const { statistics } = forward(block, [q, k, v] as Three, node.attributes);
    return statistics;
  },
  attentionGradient: (block, inputs, node, { type }) => {
    const { of, ...attention } = node.attributes;
    return block.as(backward(block, inputs, attention)[of], type);
  },

  selectiveScan: (block, inputs, _node, { type }) => block.as(scanForward(block, inputs).y, type),
  selectiveScanGradient: (block, inputs, node, { type }) =>
    block.as(scanBackward(block, inputs)[node.attributes.of], type),

  gatedMlp: (block, inputs, _node, { type }) => block.as(gatedMlp(block, inputs), type),
  gatedMlpGradient: (block, inputs, node, { type }) =>
    block.as(gatedMlpGradient(block, inputs, node.attributes.of), type),

  shortConvolution: (block, inputs, _node, { type }) => block.as(shortConvolution(block, inputs), type),
  shortConvolutionGradient: (block, inputs, node, { type }) =>
    block.as(shortConvolutionGradient(block, inputs, node.attributes.of), type),

  residualNorm: (block, inputs, node, { type }) =>
    block.as(residualNorm(block, inputs, node.attributes)[node.attributes.of], type),
  residualNormGradient: (block, inputs, node, { type }) =>
    block.as(residualNormGradient(block, inputs, node.attributes)[node.attributes.of], type),

  recurrence: (block, [decay, input], { attributes }, { type }) =>
    recurrent(block, decay as Operand, input as Operand, attributes.reverse, type as Type),

  causalConvolution: (block, [filter, x], _node, { type }) =>
    block.as(convolved(block, filter as Operand, x as Operand), type),
  causalConvolutionGradient: (block, [filter, x, dy], { attributes: { of } }, { type }) =>
    block.as(convolutionGradients[of](block, filter as Operand, x as Operand, dy as Operand), type),
};

/** For GPUs on which XLA compiles Triton kernels. */
export const tritonComposites: Composites = {
  kernels: [
    "Attention",
    "SelectiveScan",
    "Recurrence",
    "CausalConvolution",
    "GatedMlp",
    "ShortConvolution",
    "ResidualNorm",
  ] satisfies FusedKernel[],
  lowerings,
};

type Three = [Operand, Operand, Operand];
type Attention = CompositeAttributes["attention"];

/** The results of a call that stands in the block already. */
const called = new WeakMap<Block, Map<string, unknown>>();

function once<Results>(block: Block, key: string, call: () => Results): Results {
  const known = called.get(block) ?? new Map<string, unknown>();
  called.set(block, known);
  if (!known.has(key)) known.set(key, call());
  return known.get(key) as Results;
}

function keyOf(kernel: string, operands: readonly Operand[], attributes: object = {}): string {
  return JSON.stringify([kernel, operands.map(({ id }) => id), attributes]);
}

function narrowest(operands: readonly Operand[]): Type {
  return operands.some(({ type }) => type === "bf16") ? "bf16" : "f32";
}

function attentionShape([q, , v]: Three, attention: Attention, element: Type): AttentionShape {
  const [members = 1, batch = 1, length = 1, heads = 1, keyWidth = 1] = q.shape;
  const [kvHeads = 1, valueWidth = 1] = v.shape.slice(3);
  return { ...attention, rows: members * batch, length, heads, kvHeads, keyWidth, valueWidth, element };
}

function forward(block: Block, given: Three, attention: Attention): { out: Operand; statistics: Operand } {
  return once(block, keyOf("attention", given, attention), () => {
    const element = narrowest(given);
    const shape = attentionShape(given, attention, element);
    const [members = 1, batch = 1] = given[0].shape;
    const [out, statistics] = block.triton(
      attentionForward(shape),
      given.map((x) => block.as(x, element)),
      [
        { shape: given[0].shape.with(4, shape.valueWidth), type: element },
        { shape: [members, batch, shape.heads, shape.length], type: "f32" },
      ],
    ) as [Operand, Operand];
    return { out, statistics };
  });
}

type AttentionGradients = Record<CompositeAttributes["attentionGradient"]["of"], Operand>;

function backward(block: Block, given: readonly Operand[], attention: Attention): AttentionGradients {
  return once(block, keyOf("attentionGradient", given, attention), () => {
    const [q, k, v, out, statistics, dOut] = given as [...Three, ...Three];
    const element = narrowest([q, k, v]);
    const shape = attentionShape([q, k, v], attention, element);
    const operands = [q, k, v, out].map((x) => block.as(x, element));
    operands.push(block.as(statistics, "f32"), block.as(dOut, element));
    const [dQ, dK, dV] = [q, k, v].map(({ shape }) => ({ shape, type: element }));
    if (fitsOneProgram(shape)) {
      const [query, key, value] = block.triton(attentionBackward(shape), operands, [dQ, dK, dV] as never) as Three;
      return { query, key, value };
    }
    const [query] = block.triton(attentionBackwardQueries(shape), operands, [dQ] as never) as [Operand];
    const [key, value] = block.triton(attentionBackwardKeys(shape), operands, [dK, dV] as never) as [Operand, Operand];
    return { query, key, value };
  });
}

function gatedMlpShape([x, w1]: readonly Operand[], element: Type): GatedMlpShape {
  const [members = 1, batch = 1, length = 1, width = 1] = (x as Operand).shape;
  return { members, rows: batch * length, width, inner: (w1 as Operand).shape[1] ?? 1, element };
}

function gatedMlp(block: Block, given: readonly Operand[]): Operand {
  const [x] = given as [Operand];
  const element = narrowest([x]);
  const operands = given.map((operand) => block.as(operand, element));
  const [y] = block.triton(gatedMlpForward(gatedMlpShape(given, element)), operands, [
    { shape: x.shape, type: element },
  ]);
  return y as Operand;
}

function gatedMlpGradient(
  block: Block,
  given: readonly Operand[],
  of: CompositeAttributes["gatedMlpGradient"]["of"],
): Operand {
  const [x, w1] = given as [Operand, Operand];
  const element = narrowest([x]);
  const shape = gatedMlpShape(given, element);
  const operands = given.map((operand) => block.as(operand, element));
  if (of === "x") {
    return block.triton(gatedMlpBackwardInput(shape), operands, [{ shape: x.shape, type: element }])[0] as Operand;
  }
  const weights = once(block, keyOf("gatedMlpWeights", given), () => {
    const part = { shape: [defaultTiling.parts, ...w1.shape], type: "f32" } as const;
    const parts = block.triton(gatedMlpBackwardWeights(shape), operands, [part, part, part]) as Three;
    const [dW1, dW2, turned] = parts.map((each) => block.reduce("add", each, 0, [0])) as Three;
    return { w1: dW1, w2: dW2, w3: block.transpose(turned, [0, 2, 1]) };
  });
  return weights[of];
}

function shortConvolutionShape([x, weight]: readonly Operand[], element: Type): ShortConvolutionShape {
  const [members = 1, batch = 1, length = 1, inputs = 1] = (x as Operand).shape;
  const [, channels = 1, , taps = 1] = (weight as Operand).shape;
  return { members, batch, length, inputs, channels, taps, element };
}

function shortConvolution(block: Block, given: readonly Operand[]): Operand {
  const [x, ...weights] = given as [Operand, ...Operand[]];
  const element = narrowest([x]);
  const shape = shortConvolutionShape(given, element);
  const { members, batch, length, channels } = shape;
  const operands = [block.as(x, element), ...weights.map((each) => block.as(each, "f32"))];
  const kernel = shortConvolutionForward(shape, weights.length === 2);
  return block.triton(kernel, operands, [{ shape: [members, batch, length, channels], type: element }])[0] as Operand;
}

function shortConvolutionGradient(
  block: Block,
  given: readonly Operand[],
  of: CompositeAttributes["shortConvolutionGradient"]["of"],
): Operand {
  const [x, weight, dY] = given as Three;
  const element = narrowest([x]);
  const shape = shortConvolutionShape(given, element);
  const { members, batch, channels, taps } = shape;
  const gradient = block.as(dY, element);
  if (of === "x") {
    const operands = [block.as(weight, "f32"), gradient];
    const kernel = shortConvolutionBackwardInput(shape);
    return block.triton(kernel, operands, [{ shape: x.shape, type: element }])[0] as Operand;
  }
  const sums = once(block, keyOf("shortConvolutionWeights", given), () => {
    const parts = { shape: [members * batch, taps + 1, channels], type: "f32" } as const;
    const kernel = shortConvolutionBackwardWeights(shape);
    const [each] = block.triton(kernel, [block.as(x, element), gradient], [parts]) as [Operand];
    return block.reduce("add", block.reshape(each, [members, batch, taps + 1, channels]), 0, [1]);
  });
  const rows = (first: number, count: number) => block.slice(sums, [0, first, 0], [members, count, channels]);
  if (of === "bias") return block.reshape(rows(taps, 1), [members, channels]);
  return block.reshape(block.transpose(rows(0, taps), [0, 2, 1]), weight.shape);
}

type Norm = Pick<CompositeAttributes["residualNorm"], "eps">;

function residualNormShape(x: Operand, eps: number, element: Type): ResidualNormShape {
  const [members = 1, batch = 1, length = 1, width = 1] = x.shape;
  return { members, rows: batch * length, width, eps, element };
}

function residualNorm(block: Block, given: readonly Operand[], { eps }: Norm): { sum: Operand; normal: Operand } {
  return once(block, keyOf("residualNorm", given, { eps }), () => {
    const [x, ...others] = given as [Operand, ...Operand[]];
    const [update, weight] = others.length === 2 ? others : [undefined, ...others];
    const element = narrowest([x, ...(update ? [update] : [])]);
    const shape = residualNormShape(x, eps, element);
    const like = { shape: x.shape, type: element };
    const operands = [x, ...(update ? [update] : [])].map((operand) => block.as(operand, element));
    operands.push(block.as(weight as Operand, "f32"));
    const results = block.triton(residualNormForward(shape, !!update), operands, update ? [like, like] : [like]);
    return { sum: (update ? results[0] : x) as Operand, normal: results.at(-1) as Operand };
  });
}

function residualNormGradient(block: Block, given: readonly Operand[], { eps }: Norm): { x: Operand; weight: Operand } {
  return once(block, keyOf("residualNormGradient", given, { eps }), () => {
    const [sum, weight, dSum, dNormal] = given as [...Three, Operand];
    const element = narrowest([sum]);
    const shape = residualNormShape(sum, eps, element);
    const hasSum = dSum.fill !== 0;
    const gradients = (hasSum ? [dSum, dNormal] : [dNormal]).map((operand) => block.as(operand, element));
    const operands = [block.as(sum, element), block.as(weight, "f32"), ...gradients];
    const parts = [shape.members, blocksOf(shape), shape.width];
    const [dX, dWeight] = block.triton(residualNormBackward(shape, hasSum), operands, [
      { shape: sum.shape, type: element },
      { shape: parts, type: "f32" },
    ]) as [Operand, Operand];
    return { x: dX, weight: block.reduce("add", dWeight, 0, [1]) };
  });
}

function scanShape([u, , a]: readonly Operand[], element: Type): ScanShape {
  const [members = 1, batch = 1, length = 1, channels = 1] = (u as Operand).shape;
  const states = (a as Operand).shape[2] ?? 1;
  return { members, batch, length, channels, states, element };
}

function scanForward(block: Block, given: readonly Operand[]): { y: Operand; kept: Operand } {
  return once(block, keyOf("selectiveScan", given), () => {
    const element = narrowest(given.slice(0, 1));
    const shape = scanShape(given, element);
    const [u, ...others] = given as [Operand, ...Operand[]];
    const operands = [block.as(u, element), ...others.map((x) => block.as(x, "f32"))];
    const rows = shape.members * shape.batch;
    const [y, kept] = block.triton(selectiveScanForward(shape), operands, [
      { shape: u.shape, type: element },
      { shape: [rows, chunks(shape), shape.channels, shape.states], type: "f32" },
    ]) as [Operand, Operand];
    return { y, kept };
  });
}

type ScanGradients = Record<CompositeAttributes["selectiveScanGradient"]["of"], Operand>;

function scanBackward(block: Block, given: readonly Operand[]): ScanGradients {
  const [u, dt, a, b, c, dy] = given as [...Three, ...Three];
  const { kept } = scanForward(block, [u, dt, a, b, c]);
  return once(block, keyOf("selectiveScanGradient", given), () => {
    const element = narrowest([u]);
    const shape = scanShape(given, element);
    const rows = shape.members * shape.batch;
    const operands = [
      block.as(u, element),
      ...[dt, a, b, c].map((x) => block.as(x, "f32")),
      kept,
      block.as(dy, element),
    ];
    const perBlock = [channelBlocks(shape), rows, shape.length, shape.states];
    const [dU, dDt, dA, dB, dC] = block.triton(selectiveScanBackward(shape), operands, [
      { shape: u.shape, type: element },
      { shape: dt.shape, type: "f32" },
      { shape: [shape.members, shape.batch, shape.channels, shape.states], type: "f32" },
      { shape: perBlock, type: "f32" },
      { shape: perBlock, type: "f32" },
    ]) as [Operand, Operand, Operand, Operand, Operand];
    const summed = (parts: Operand, axis: number, like: Operand) =>
      block.reshape(block.reduce("add", parts, 0, [axis]), like.shape);
    return { u: dU, dt: dDt, a: summed(dA, 1, a), b: summed(dB, 0, b), c: summed(dC, 0, c) };
  });
}

function recurrent(block: Block, decay: Operand, input: Operand, reverse: boolean, type: Type): Operand {
  const [rows = 1, length = 1, channels = 1] = input.shape;
  const elements = { decay: decay.type as Type, input: input.type as Type, h: type };
  const kernel = recurrence({ rows, length, channels, reverse, elements });
  return block.triton(kernel, [decay, input], [{ shape: input.shape, type }])[0] as Operand;
}

function convolved(block: Block, filter: Operand, x: Operand): Operand {
  const shape = convolutionShape(x);
  const y = block.triton(
    causalConvolution(shape),
    [filterRows(block, filter, shape), channelRows(block, x, shape)],
    [rowsOf(shape)],
  );
  return tokensOf(block, y[0] as Operand, x);
}

const convolutionGradients = {
  filter: (block, filter, x, dy) => {
    const shape = convolutionShape(x);
    const parts = block.triton(
      causalConvolutionFilterGradient(shape),
      [x, dy].map((rows) => channelRows(block, rows, shape)),
      [{ shape: [shape.systems, filterGradientRows(shape), shape.length], type: "f32" }],
    );
    return block.reshape(block.reduce("add", parts[0] as Operand, 0, [1]), filter.shape);
  },
  x: (block, filter, x, dy) => {
    const shape = convolutionShape(x);
    const dx = block.triton(
      causalConvolutionBackward(shape),
      [filterRows(block, filter, shape), channelRows(block, dy, shape)],
      [rowsOf(shape)],
    );
    return tokensOf(block, dx[0] as Operand, x);
  },
} satisfies Record<
  CompositeAttributes["causalConvolutionGradient"]["of"],
  (block: Block, filter: Operand, x: Operand, dy: Operand) => Operand
>;

function convolutionShape(x: Operand): ConvolutionShape {
  const [members = 1, batch = 1, length = 1, channels = 1] = x.shape;
  return { systems: members * channels, batch, length, element: narrowest([x]) };
}

function rowsOf({ systems, batch, length, element }: ConvolutionShape): Pick<Operand, "shape" | "type"> {
  return { shape: [systems, batch, length], type: element };
}

function filterRows(block: Block, filter: Operand, { systems, length, element }: ConvolutionShape): Operand {
  return block.reshape(block.as(filter, element), [systems, length]);
}

/** [P, B, T, C] -> [P C, B, T]. */
function channelRows(block: Block, x: Operand, shape: ConvolutionShape): Operand {
  return once(block, keyOf("channelRows", [x], shape), () => {
    const turned = turn({ sizes: x.shape as TurnShape["sizes"], element: shape.element });
    return block.triton(turned, [block.as(x, shape.element)], [rowsOf(shape)])[0] as Operand;
  });
}

/** [P C, B, T] -> [P, B, T, C], the shape of `like`. */
function tokensOf(block: Block, rows: Operand, { shape }: Operand): Operand {
  const element = narrowest([rows]);
  const turned = turn({ sizes: shape as TurnShape["sizes"], element }, true);
  return block.triton(turned, [rows], [{ shape, type: element }])[0] as Operand;
}
