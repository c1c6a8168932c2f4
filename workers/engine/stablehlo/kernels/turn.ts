// Turns [A, B, X, Y] into [A, Y, B, X], or back, through tiles.
//
// Written out as a kernel because both its sides keep their layout: a transposition of XLA's would move into the
// computations around it, which then shift neighbouring tokens along rows of 16-bit numbers. The XLA of JAX 0.11 reads such
// rows at addresses that are not aligned, and fails (Hyena at 128 tokens on an H100).
import { KernelWriter, type Pointer, type TritonKernel } from "./triton.ts";

export interface TurnShape {
  /** A, B, X, Y. */
  readonly sizes: readonly [number, number, number, number];
  readonly element: "bf16" | "f32";
}

/** Numbers along both sides of a tile. */
const side = 64;

/** [A, B, X, Y] -> [A, Y, B, X]; with `back` [A, Y, B, X] -> [A, B, X, Y]. */
export function turn({ sizes, element }: TurnShape, back = false): TritonKernel {
  const [outer, inner, rows, columns] = sizes;
  const w = new KernelWriter({ from: element, to: element });
  const [from, to] = w.pointers() as [Pointer, Pointer];
  const x = w.add(w.range(side), w.mul(w.programId("x"), side));
  const y = w.add(w.range(side), w.mul(w.programId("y"), side));
  const [a, b] = [w.div(w.programId("z"), inner), w.remainder(w.programId("z"), inner)];
  const straight = w.mul(w.mul(w.add(w.mul(a, inner), b), rows), columns);
  const turned = w.add(w.mul(w.mul(w.mul(a, columns), inner), rows), w.mul(b, rows));
  const [xExists, yExists] = [w.compare("slt", x, rows), w.compare("slt", y, columns)];
  const mask = rows % side === 0 && columns % side === 0 ? undefined : w.and(w.column(xExists), w.row(yExists));
  const turnedMask = mask && w.and(w.column(yExists), w.row(xExists));
  const here = w.add(w.add(w.column(w.mul(x, columns)), w.row(y)), straight); // [x, y]
  const there = w.add(w.add(w.column(w.mul(y, inner * rows)), w.row(x)), turned); // [y, x]
  if (back) w.store(to, here, w.transpose(w.load(from, there, turnedMask)), mask);
  else w.store(to, there, w.transpose(w.load(from, here, mask)), turnedMask);
  const grid = [Math.ceil(rows / side), Math.ceil(columns / side), outer * inner] as const;
  return w.finish(back ? "turn_back" : "turn", { grid, warps: 4, stages: 1 });
}
