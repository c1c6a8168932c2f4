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
import { recurrence } from "./recurrence.ts";
import {
  channelBlocks,
  chunks,
  type ScanShape,
  selectiveScanBackward,
  selectiveScanForward,
} from "./selective-scan.ts";

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

  recurrence: (block, [decay, input], { attributes }, { type }) =>
    recurrent(block, decay as Operand, input as Operand, attributes.reverse, type as Type),
};

/** For GPUs on which XLA compiles Triton kernels. */
export const tritonComposites: Composites = {
  kernels: ["Attention", "SelectiveScan", "Recurrence"] satisfies FusedKernel[],
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
