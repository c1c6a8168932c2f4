// SwiGLU y = W3 (silu(W1 x) * (W2 x)) without its inner activations in memory, forward and backward.
//
// Shazeer 2020, "GLU Variants Improve Transformer", arXiv:2002.05202, eq. 6. A program owns a block of tokens and walks
// over blocks of inner channels; backward computes the inner activations again, once for the gradient of x and once,
// with a block of inner channels per program and tokens cut into parts, for those of the weights.
import { KernelWriter, type Pointer, powerOfTwo, type Tile, type TritonKernel } from "./triton.ts";

export interface GatedMlpShape {
  readonly members: number;
  /** Tokens of one member, B T. */
  readonly rows: number;
  readonly width: number;
  readonly inner: number;
  readonly element: "bf16" | "f32";
}

export interface GatedMlpTiling {
  /** Tokens and inner channels of a tile, powers of two, at least 16. */
  readonly rows: number;
  readonly inner: number;
  readonly warps: number;
  /** Parts into which the tokens are cut for the weights' gradients. */
  readonly parts: number;
}

export const defaultTiling: GatedMlpTiling = { rows: 64, inner: 32, warps: 4, parts: 24 };

/** x [P, R, D], w1, w2 [P, I, D], w3 [P, D, I] -> y [P, R, D]. */
export function gatedMlpForward(shape: GatedMlpShape, tiling = defaultTiling): TritonKernel {
  const { element } = shape;
  const w = new KernelWriter({ x: element, w1: element, w2: element, w3: element, y: element });
  const [x, w1, w2, w3, y] = w.pointers() as [Pointer, Pointer, Pointer, Pointer, Pointer];
  const tiles = new MlpTiles(w, shape, tiling);
  const [rows, member] = [tiles.rowsFrom(w.mul(w.programId("x"), tiling.rows)), w.programId("y")];
  const xTile = tiles.loadRows(x, member, rows);
  const start = w.constant(0, "f32", [tiling.rows, tiles.width]);
  const [sum] = w.loop([0, shape.inner, tiling.inner], [start], (first, [sum]) => {
    const weights = tiles.loadWeights([w1, w2, w3], member, first);
    const { h } = tiles.inside(xTile, weights);
    return [w.dot(w.cast(h, element), w.transpose(weights.w3), sum)];
  });
  tiles.storeRows(y, member, rows, sum as Tile);
  return w.finish("gated_mlp_forward", tiles.overRows());
}

/** x, w1, w2, w3, dY -> dX [P, R, D]. */
export function gatedMlpBackwardInput(shape: GatedMlpShape, tiling = defaultTiling): TritonKernel {
  const { element } = shape;
  const w = new KernelWriter({ x: element, w1: element, w2: element, w3: element, dY: element, dX: element });
  const [x, w1, w2, w3, dY, dX] = w.pointers() as [Pointer, Pointer, Pointer, Pointer, Pointer, Pointer];
  const tiles = new MlpTiles(w, shape, tiling);
  const [rows, member] = [tiles.rowsFrom(w.mul(w.programId("x"), tiling.rows)), w.programId("y")];
  const [xTile, gradient] = [tiles.loadRows(x, member, rows), tiles.loadRows(dY, member, rows)];
  const start = w.constant(0, "f32", [tiling.rows, tiles.width]);
  const [sum] = w.loop([0, shape.inner, tiling.inner], [start], (first, [sum]) => {
    const weights = tiles.loadWeights([w1, w2, w3], member, first);
    const { dA, dB } = tiles.insideBackward(xTile, gradient, weights);
    return [w.dot(w.cast(dB, element), weights.w2, w.dot(w.cast(dA, element), weights.w1, sum))];
  });
  tiles.storeRows(dX, member, rows, sum as Tile);
  return w.finish("gated_mlp_backward_input", tiles.overRows());
}

/**
 * x, w1, w2, w3, dY -> dW1, dW2 and the transpose of dW3, all f32 [parts, P, I, D], each part the sum over some of the
 * tokens.
 */
export function gatedMlpBackwardWeights(shape: GatedMlpShape, tiling = defaultTiling): TritonKernel {
  const { element, members, rows, inner } = shape;
  const w = new KernelWriter({
    ...{ x: element, w1: element, w2: element, w3: element, dY: element },
    ...{ dW1: "f32", dW2: "f32", dW3: "f32" },
  });
  const [x, w1, w2, w3, dY] = w.pointers() as [Pointer, Pointer, Pointer, Pointer, Pointer];
  const results = w.pointers().slice(5) as [Pointer, Pointer, Pointer];
  const tiles = new MlpTiles(w, shape, tiling);
  const [first, part, member] = [w.mul(w.programId("x"), tiling.inner), w.programId("y"), w.programId("z")];
  const weights = tiles.loadWeights([w1, w2, w3], member, first);
  const blocks = Math.ceil(rows / (tiling.rows * tiling.parts)); // of tokens, in one part
  const start = results.map(() => w.constant(0, "f32", [tiling.inner, tiles.width]));
  const sums = w.loop([0, blocks, 1], start, (index, [sum1, sum2, sum3]) => {
    const block = w.add(w.mul(part, blocks), index);
    const here = tiles.rowsFrom(w.mul(block, tiling.rows), blocks * tiling.parts * tiling.rows);
    const [xTile, gradient] = [tiles.loadRows(x, member, here), tiles.loadRows(dY, member, here)];
    const { h, dA, dB } = tiles.insideBackward(xTile, gradient, weights);
    const turned = (tile: Tile) => w.transpose(w.cast(tile, element));
    return [w.dot(turned(dA), xTile, sum1), w.dot(turned(dB), xTile, sum2), w.dot(turned(h), gradient, sum3)];
  });
  const place = w.add(w.mul(part, members), member);
  for (const [i, result] of results.entries()) tiles.storeInner(result, place, first, sums[i] as Tile);
  const grid = [Math.ceil(inner / tiling.inner), tiling.parts, members] as const;
  return w.finish("gated_mlp_backward_weights", { grid, warps: tiling.warps, stages: 2 });
}

/** Tokens of a tile, and which of them exist. */
interface Rows {
  readonly at: Tile;
  readonly exist: Tile | undefined;
}

interface Weights {
  readonly w1: Tile; // [inner, width]
  readonly w2: Tile; // [inner, width]
  readonly w3: Tile; // [width, inner]
}

class MlpTiles {
  readonly width: number;
  readonly #w: KernelWriter;
  readonly #shape: GatedMlpShape;
  readonly #tiling: GatedMlpTiling;
  readonly #channels: Tile;
  readonly #channelsExist: Tile | undefined;

  constructor(w: KernelWriter, shape: GatedMlpShape, tiling: GatedMlpTiling) {
    this.#w = w;
    this.#shape = shape;
    this.#tiling = tiling;
    this.width = Math.max(16, powerOfTwo(shape.width));
    this.#channels = w.range(this.width);
    this.#channelsExist = shape.width < this.width ? w.compare("slt", this.#channels, shape.width) : undefined;
  }

  overRows(): Omit<TritonKernel, "name" | "text"> {
    const { rows, members } = this.#shape;
    return { grid: [Math.ceil(rows / this.#tiling.rows), members, 1], warps: this.#tiling.warps, stages: 2 };
  }

  /** A block of tokens from `first` on; together the blocks cover `covered` tokens. */
  rowsFrom(first: Tile, covered = Math.ceil(this.#shape.rows / this.#tiling.rows) * this.#tiling.rows): Rows {
    const { rows } = this.#shape;
    const at = this.#w.add(this.#w.range(this.#tiling.rows), first);
    return { at, exist: covered === rows ? undefined : this.#w.compare("slt", at, rows) };
  }

  /** [rows, width] of an array [P, R, D]. */
  loadRows(pointer: Pointer, member: Tile, rows: Rows): Tile {
    return this.#w.load(pointer, this.#rowOffsets(member, rows), this.#both(rows.exist, this.#channelsExist));
  }

  storeRows(pointer: Pointer, member: Tile, rows: Rows, value: Tile): void {
    this.#w.store(pointer, this.#rowOffsets(member, rows), value, this.#both(rows.exist, this.#channelsExist));
  }

  loadWeights([w1, w2, w3]: readonly [Pointer, Pointer, Pointer], member: Tile, first: Tile): Weights {
    const w = this.#w;
    const { width, inner } = this.#shape;
    const { at, exist } = this.#innerFrom(first);
    const rows = this.#innerOffsets(member, at);
    const mask = this.#both(exist, this.#channelsExist);
    const columns = w.add(w.column(w.mul(w.add(this.#channels, w.mul(member, width)), inner)), w.row(at));
    return {
      w1: w.load(w1, rows, mask),
      w2: w.load(w2, rows, mask),
      w3: w.load(w3, columns, this.#both(this.#channelsExist, exist)),
    };
  }

  /** [inner, width] into an array [..., I, D]. */
  storeInner(pointer: Pointer, place: Tile, first: Tile, value: Tile): void {
    const { at, exist } = this.#innerFrom(first);
    this.#w.store(pointer, this.#innerOffsets(place, at), value, this.#both(exist, this.#channelsExist));
  }

  /** a = W1 x, b = W2 x and h = silu(a) b, f32 [rows, inner]. */
  inside(x: Tile, { w1, w2 }: Weights): { a: Tile; b: Tile; sigmoid: Tile; silu: Tile; h: Tile } {
    const w = this.#w;
    const a = w.dot(x, w.transpose(w1));
    const b = w.dot(x, w.transpose(w2));
    const sigmoid = w.div(1, w.add(w.exp2(w.mul(a, -Math.LOG2E)), 1));
    const silu = w.mul(a, sigmoid);
    return { a, b, sigmoid, silu, h: w.mul(silu, b) };
  }

  /** Also the gradients of a and b: silu'(a) = sigmoid(a) + silu(a) (1 - sigmoid(a)). */
  insideBackward(x: Tile, dY: Tile, weights: Weights): { h: Tile; dA: Tile; dB: Tile } {
    const w = this.#w;
    const { b, sigmoid, silu, h } = this.inside(x, weights);
    const dH = w.dot(dY, weights.w3);
    const slope = w.add(sigmoid, w.mul(silu, w.sub(1, sigmoid)));
    return { h, dA: w.mul(w.mul(dH, b), slope), dB: w.mul(dH, silu) };
  }

  #innerFrom(first: Tile): Rows {
    const { inner } = this.#shape;
    const at = this.#w.add(this.#w.range(this.#tiling.inner), first);
    return { at, exist: inner % this.#tiling.inner === 0 ? undefined : this.#w.compare("slt", at, inner) };
  }

  #rowOffsets(member: Tile, { at }: Rows): Tile {
    const w = this.#w;
    const { rows, width } = this.#shape;
    return w.add(w.column(w.mul(w.add(at, w.mul(member, rows)), width)), w.row(this.#channels));
  }

  /** Of [..., I, D]. */
  #innerOffsets(place: Tile, at: Tile): Tile {
    const w = this.#w;
    const { inner, width } = this.#shape;
    return w.add(w.column(w.mul(w.add(at, w.mul(place, inner)), width)), w.row(this.#channels));
  }

  #both(rows: Tile | undefined, columns: Tile | undefined): Tile | undefined {
    const w = this.#w;
    if (!rows) return columns && w.row(columns);
    return columns ? w.and(w.column(rows), w.row(columns)) : w.column(rows);
  }
}
