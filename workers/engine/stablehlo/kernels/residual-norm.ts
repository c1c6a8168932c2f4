// x + update and its RMS norm in one pass over memory, forward and backward.
//
// Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4: y = s / sqrt(mean(s^2) + eps) * weight, s = x + update. A program
// owns some tokens; what it gives to the weight's gradient is summed up afterwards.
import { KernelWriter, type Pointer, powerOfTwo, type Tile, type TritonKernel } from "./triton.ts";

export interface ResidualNormShape {
  readonly members: number;
  /** Tokens of one member, B T. */
  readonly rows: number;
  readonly width: number;
  readonly eps: number;
  readonly element: "bf16" | "f32";
}

/** Numbers of a tile: rows of it fill a program's registers. */
const tileSize = 2048;
const warps = 4;

/** Programs of one member, each with a sum [D] of its own backward. */
export function blocksOf(shape: ResidualNormShape): number {
  return Math.ceil(shape.rows / rowsOf(shape));
}

/** x, update [P, R, D], weight f32 [P, D] -> sum, normal [P, R, D]; without an update x, weight -> normal. */
export function residualNormForward(shape: ResidualNormShape, hasUpdate: boolean): TritonKernel {
  const { element } = shape;
  const w = new KernelWriter({
    ...(hasUpdate ? { x: element, update: element, weight: "f32", sum: element } : { x: element, weight: "f32" }),
    normal: element,
  });
  const pointers = Object.fromEntries(w.pointers().map((pointer) => [pointer.name.slice(1), pointer]));
  const { x, update, weight, sum, normal } = pointers as Record<string, Pointer>;
  const tiles = new NormTiles(w, shape);
  const member = w.programId("y");
  const rows = tiles.rowsFrom(w.mul(w.programId("x"), rowsOf(shape)));
  let s = tiles.load(x as Pointer, member, rows);
  if (update && sum) {
    // Rounded as it is stored: backward starts from there.
    s = w.cast(w.cast(w.add(s, tiles.load(update, member, rows)), element), "f32");
    tiles.store(sum, member, rows, s);
  }
  const scaled = w.mul(s, w.column(tiles.scale(s)));
  tiles.store(normal as Pointer, member, rows, w.mul(scaled, w.row(tiles.loadWeight(weight as Pointer, member))));
  return w.finish("residual_norm_forward", { grid: [blocksOf(shape), shape.members, 1], warps, stages: 1 });
}

/**
 * sum, weight, dSum, dNormal -> dX [P, R, D], dWeight f32 [P, blocks, D] to be summed over the blocks. Without dSum, where
 * nothing else depends on the sum: sum, weight, dNormal.
 */
export function residualNormBackward(shape: ResidualNormShape, hasSum: boolean): TritonKernel {
  const { element, width } = shape;
  const w = new KernelWriter({
    ...{ sum: element, weight: "f32", ...(hasSum && { dSum: element }) },
    ...{ dNormal: element, dX: element, dWeight: "f32" },
  });
  const pointers = Object.fromEntries(w.pointers().map((pointer) => [pointer.name.slice(1), pointer]));
  const { sum, weight, dSum, dNormal, dX, dWeight } = pointers as Record<string, Pointer>;
  const tiles = new NormTiles(w, shape);
  const [block, member] = [w.programId("x"), w.programId("y")];
  const weights = tiles.loadWeight(weight as Pointer, member);
  const rows = tiles.rowsFrom(w.mul(block, rowsOf(shape)));
  const s = tiles.load(sum as Pointer, member, rows);
  const gradient = tiles.load(dNormal as Pointer, member, rows);
  const scale = tiles.scale(s);
  const normal = w.mul(s, w.column(scale)); // before the weight
  const weighted = w.mul(gradient, w.row(weights));
  const along = w.div(w.sum(w.mul(weighted, normal), 1), width);
  const ofNorm = w.mul(w.sub(weighted, w.mul(normal, w.column(along))), w.column(scale));
  tiles.store(dX as Pointer, member, rows, dSum ? w.add(ofNorm, tiles.load(dSum, member, rows)) : ofNorm);
  const part = w.add(w.mul(member, blocksOf(shape)), block);
  tiles.storePart(dWeight as Pointer, part, w.sum(w.mul(gradient, normal), 0));
  return w.finish("residual_norm_backward", { grid: [blocksOf(shape), shape.members, 1], warps, stages: 1 });
}

function rowsOf({ width }: ResidualNormShape): number {
  return Math.max(1, tileSize / powerOfTwo(width));
}

interface Rows {
  readonly at: Tile;
  readonly exist: Tile | undefined;
}

class NormTiles {
  readonly width: number;
  readonly #w: KernelWriter;
  readonly #shape: ResidualNormShape;
  readonly #channels: Tile;
  readonly #channelsExist: Tile | undefined;

  constructor(w: KernelWriter, shape: ResidualNormShape) {
    this.#w = w;
    this.#shape = shape;
    this.width = powerOfTwo(shape.width);
    this.#channels = w.range(this.width);
    this.#channelsExist = shape.width < this.width ? w.compare("slt", this.#channels, shape.width) : undefined;
  }

  /** A tile of tokens from `first` on. */
  rowsFrom(first: Tile): Rows {
    const { rows } = this.#shape;
    const at = this.#w.add(this.#w.range(rowsOf(this.#shape)), first);
    return { at, exist: rows % rowsOf(this.#shape) === 0 ? undefined : this.#w.compare("slt", at, rows) };
  }

  /** f32 [rows, width]. */
  load(pointer: Pointer, member: Tile, rows: Rows): Tile {
    return this.#w.cast(this.#w.load(pointer, this.#offsets(member, rows), this.#mask(rows)), "f32");
  }

  store(pointer: Pointer, member: Tile, rows: Rows, value: Tile): void {
    this.#w.store(pointer, this.#offsets(member, rows), value, this.#mask(rows));
  }

  /** [width]. */
  loadWeight(pointer: Pointer, member: Tile): Tile {
    const { width } = this.#shape;
    return this.#w.load(pointer, this.#w.add(this.#channels, this.#w.mul(member, width)), this.#channelsExist);
  }

  /** A row of [..., D]. */
  storePart(pointer: Pointer, row: Tile, value: Tile): void {
    const offsets = this.#w.add(this.#channels, this.#w.mul(row, this.#shape.width));
    this.#w.store(pointer, offsets, value, this.#channelsExist);
  }

  /** 1 / sqrt(mean(s^2) + eps) [rows]. */
  scale(s: Tile): Tile {
    const w = this.#w;
    const { width, eps } = this.#shape;
    const mean = w.div(w.sum(w.mul(s, s), 1), width);
    return w.exp2(w.mul(w.log2(w.add(mean, eps)), -0.5));
  }

  #offsets(member: Tile, { at }: Rows): Tile {
    const w = this.#w;
    const { rows, width } = this.#shape;
    return w.add(w.column(w.mul(w.add(at, w.mul(member, rows)), width)), w.row(this.#channels));
  }

  #mask({ exist }: Rows): Tile | undefined {
    const w = this.#w;
    const channels = this.#channelsExist && w.row(this.#channelsExist);
    if (!exist) return channels;
    return channels ? w.and(w.column(exist), channels) : w.column(exist);
  }
}
