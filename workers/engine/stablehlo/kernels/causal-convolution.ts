// Causal long convolution y_t = sum over s <= t of filter_{t-s} x_s as products on the tensor cores, one channel a program.
//
// The Toeplitz matrix of a filter is never in memory: its tiles are gathered from the row of taps, which stays in the
// first cache. The filter's gradient is x^T dY summed along diagonals: lag j of all blocks of positions falls on the same
// diagonal of one tile, so the blocks are summed by the product itself, and XLA adds up the few rows that are left.
import { KernelWriter, type Pointer, powerOfTwo, type Tile, type TritonKernel } from "./triton.ts";

export interface ConvolutionShape {
  /** Members times channels: every system has its own filter. */
  readonly systems: number;
  readonly batch: number;
  readonly length: number;
  readonly element: "bf16" | "f32";
}

/** Sequences of one program: as many f32 rows would not fit the registers. */
const mostRows = { bf16: 128, f32: 32 };
/** Tokens of one tile. */
const mostTokens = 64;
/** Of the filter's gradient: sequences and positions of x in one product, and tokens of dY. */
const mostSummedRows = 64;
const mostPositions = 32;
const widestWindow = 128;

/** A product takes at least 16 of everything. */
function tileSize(size: number, most: number): number {
  return Math.max(16, Math.min(most, powerOfTwo(size)));
}

/** filter [S, T], x [S, B, T] -> y [S, B, T]. */
export function causalConvolution(shape: ConvolutionShape): TritonKernel {
  return convolution("causal_convolution", shape, { reverse: false });
}

/** filter [S, T], dY [S, B, T] -> dX [S, B, T]. */
export function causalConvolutionBackward(shape: ConvolutionShape): TritonKernel {
  return convolution("causal_convolution_backward", shape, { reverse: true });
}

function convolution(name: string, shape: ConvolutionShape, { reverse }: { reverse: boolean }): TritonKernel {
  const { systems, batch, length, element } = shape;
  const block = tileSize(length, mostTokens);
  const blocks = Math.ceil(length / block);
  const w = new KernelWriter({ filter: element, x: element, y: element });
  const [filter, x, y] = w.pointers() as [Pointer, Pointer, Pointer];
  const program = w.programId("x");
  const system = w.div(program, blocks);
  const first = w.mul(w.remainder(program, blocks), block);
  const rows = new Rows(w, shape, system, w.mul(w.programId("y"), rowsOf(shape)), rowsOf(shape));
  const tokens = w.add(w.range(block), first);
  const taps = w.mul(system, length);

  const seen = reverse ? ([first, blocks * block] as const) : ([0, w.add(first, block)] as const);
  const [sum] = w.loop([...seen, block], [w.constant(0, "f32", [rows.count, block])], (at, [sum]) => {
    const others = w.add(w.range(block), at);
    const [from, to] = [w.column(others), w.row(tokens)];
    const lag = reverse ? w.sub(from, to) : w.sub(to, from);
    const exists = w.and(w.compare("sge", lag, 0), w.compare("slt", lag, length));
    const toeplitz = w.load(filter, w.add(lag, taps), exists);
    return [w.dot(rows.load(x, others), toeplitz, sum)];
  });
  rows.store(y, tokens, sum as Tile);
  const grid = [systems * blocks, Math.ceil(batch / rows.count), 1] as const;
  return w.finish(name, { grid, warps: 4, stages: 2 });
}

function rowsOf({ batch, element }: ConvolutionShape): number {
  return tileSize(batch, mostRows[element]);
}

/** Rows over which the result of `causalConvolutionFilterGradient` is to be summed. */
export function filterGradientRows({ length }: ConvolutionShape): number {
  return tileSize(length, mostPositions);
}

/** x, dY [S, B, T] -> f32 [S, R, T], whose sum over the R rows is the filter's gradient. */
export function causalConvolutionFilterGradient(shape: ConvolutionShape): TritonKernel {
  const { systems, batch, length, element } = shape;
  const positions = filterGradientRows(shape);
  const window = tileSize(length + positions, widestWindow);
  const lags = window - positions; // that every position has inside the window, and one less: loads stay aligned
  const groups = Math.ceil(length / lags);
  const count = tileSize(batch, mostSummedRows);
  const w = new KernelWriter({ x: element, dY: element, parts: "f32" });
  const [x, dY, parts] = w.pointers() as [Pointer, Pointer, Pointer];
  const program = w.programId("x");
  const system = w.div(program, groups);
  const first = w.mul(w.remainder(program, groups), lags);
  const zeros = w.constant(0, "f32", [window, positions]);

  const [sum] = w.loop([0, batch, count], [zeros], (row, carried) => {
    const rows = new Rows(w, shape, system, row, count);
    return w.loop([0, w.sub(w.constant(length, "i32"), first), positions], carried, (at, [sum]) => {
      const earlier = rows.load(x, w.add(w.range(positions), at));
      const later = rows.load(dY, w.add(w.range(window), w.add(at, first)));
      return [w.dot(w.transpose(later), earlier, sum)];
    });
  });

  const position = w.row(w.range(positions));
  const inWindow = w.sub(w.column(w.range(window)), position);
  const lag = w.add(inWindow, first);
  const isOwn = w.and(w.compare("sge", inWindow, 0), w.compare("slt", inWindow, lags));
  const offsets = w.add(w.mul(w.add(position, w.mul(system, positions)), length), lag);
  w.store(parts, offsets, sum as Tile, w.and(isOwn, w.compare("slt", lag, length)));
  const grid = [systems * groups, 1, 1] as const;
  return w.finish("causal_convolution_filter_gradient", { grid, warps: 4, stages: 2 });
}

/** A block of sequences of one system in arrays [S, B, T]. */
class Rows {
  readonly count: number;
  readonly #w: KernelWriter;
  readonly #shape: ConvolutionShape;
  readonly #starts: Tile;
  readonly #exist: Tile | undefined;

  constructor(w: KernelWriter, shape: ConvolutionShape, system: Tile, first: Tile, count: number) {
    this.#w = w;
    this.#shape = shape;
    this.count = count;
    const row = w.add(w.range(count), first);
    this.#starts = w.mul(w.add(row, w.mul(system, shape.batch)), shape.length);
    this.#exist = shape.batch % count === 0 ? undefined : w.compare("slt", row, shape.batch);
  }

  /** [count, tokens], zero beyond the end. */
  load(pointer: Pointer, tokens: Tile): Tile {
    return this.#w.load(pointer, this.#offsets(tokens), this.#mask(tokens));
  }

  store(pointer: Pointer, tokens: Tile, value: Tile): void {
    this.#w.store(pointer, this.#offsets(tokens), value, this.#mask(tokens));
  }

  #offsets(tokens: Tile): Tile {
    return this.#w.add(this.#w.column(this.#starts), this.#w.row(tokens));
  }

  #mask(tokens: Tile): Tile {
    const w = this.#w;
    const inside = w.row(w.compare("slt", tokens, this.#shape.length));
    return this.#exist ? w.and(w.column(this.#exist), inside) : inside;
  }
}
