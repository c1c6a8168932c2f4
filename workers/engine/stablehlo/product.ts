// Matrix products over the last two axes, with the other axes broadcast, as one dot_general.
import type { Attributes, Shape } from "../graph.ts";
import type { Target } from "./lowerings.ts";
import type { Block, Operand } from "./module.ts";

/**
 * Axes that both operands have are batching; an operand that would be repeated along an axis goes without it, and the
 * other's axis is one of its rows. bf16 operands are summed in f32.
 */
export function product(
  block: Block,
  a: Operand,
  b: Operand,
  { transposeA, transposeB }: Attributes["matMul"],
  shape: Shape,
  { type, isExact }: Target,
): Operand {
  const operandType = a.type === "bf16" || b.type === "bf16" ? "bf16" : "f32";
  const resultType = operandType === "f32" ? "f32" : type; // a product never has fewer digits than its operands
  const batch = shape.length - 2;
  const [sizesA, sizesB] = [a, b].map((x) => leadingSizes(x, batch)) as [Sizes, Sizes];
  const isDropped = (own: Sizes, other: Sizes) => (axis: number) =>
    own[axis] === undefined || (own[axis] === 1 && other[axis] !== 1 && other[axis] !== undefined);
  const [droppedA, droppedB] = [isDropped(sizesA, sizesB), isDropped(sizesB, sizesA)];
  const left = without(block, block.as(a, operandType), batch, droppedA);
  const right = without(block, block.as(b, operandType), batch, droppedB);

  const shared = [...Array(batch).keys()].filter((axis) => left.axes.includes(axis) && right.axes.includes(axis));
  const [lastA, lastB] = [left.axes.length, right.axes.length];
  const batching = [left, right].map(({ axes }) => shared.map((axis) => axes.indexOf(axis))) as [number[], number[]];
  const contracting: [number[], number[]] = [[lastA + (transposeA ? 0 : 1)], [lastB + (transposeB ? 1 : 0)]];
  const result = block.dot(left.operand, right.operand, { batching, contracting }, resultType, isExact);

  const isFree = (axis: number) => !shared.includes(axis);
  const order = [...shared, ...left.axes.filter(isFree), batch, ...right.axes.filter(isFree), batch + 1];
  const permutation = [...shape.keys()].map((axis) => order.indexOf(axis));
  return block.transpose(block.as(result, type), permutation);
}

/** The sizes of the leading axes, aligned at their end; undefined where there is none. */
type Sizes = readonly (number | undefined)[];

function leadingSizes({ shape }: Operand, batch: number): Sizes {
  const missing = batch - (shape.length - 2);
  return Array.from({ length: batch }, (_, axis) => (axis < missing ? undefined : shape[axis - missing]));
}

/** The operand without some of its leading axes, and which of the result's those are that it still has. */
function without(block: Block, x: Operand, batch: number, isDropped: (axis: number) => boolean) {
  const axes = [...Array(batch).keys()].filter((axis) => !isDropped(axis));
  const sizes = leadingSizes(x, batch);
  const shape = [...axes.map((axis) => sizes[axis] ?? 1), ...x.shape.slice(-2)];
  return { axes, operand: block.reshape(x, shape) };
}
