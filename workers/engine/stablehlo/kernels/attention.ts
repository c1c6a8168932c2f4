// Softmax attention without its T x T scores in memory, forward and backward.
//
// Dao et al. 2022, "FlashAttention", arXiv:2205.14135, algorithms 1 and 4, with its layout: heads stay where the
// projection wrote them. Short sequences of narrow heads are done backward by one program a head; else one kernel gives the
// gradients of keys and values, another those of queries.
import { KernelWriter, type Pointer, powerOfTwo, type Tile, type TritonKernel } from "./triton.ts";

export interface AttentionShape {
  /** Members times batch. */
  readonly rows: number;
  readonly length: number;
  readonly heads: number;
  /** Heads of keys and values; each serves heads / kvHeads consecutive query heads. */
  readonly kvHeads: number;
  readonly headWidth: number;
  readonly scale: number;
  /** Tokens before and after its own that a query sees; null for all. */
  readonly left: number | null;
  readonly right: number | null;
  readonly element: "bf16" | "f32";
}

const log2e = Math.LOG2E;
/** A score that was masked: its exponential is 0, and differences of two of them stay finite. */
const hidden = -1e30;

/** q [rows, T, H, K], k, v [rows, T, G, K] -> out [rows, T, H, K], statistics (log-sum-exp) f32 [rows, H, T]. */
export function attentionForward(shape: AttentionShape): TritonKernel {
  const { element } = shape;
  const w = new KernelWriter({ q: element, k: element, v: element, out: element, statistics: "f32" });
  const [q, k, v, out, statistics] = w.pointers() as [Pointer, Pointer, Pointer, Pointer, Pointer];
  const tiles = new HeadTiles(w, shape);
  const head = tiles.head(w.programId("x"));
  const first = w.mul(w.programId("y"), tiles.block);
  const queries = tiles.positions(first);
  const scaled = tiles.load(q, head, queries, shape.heads);

  const [low, high] = tiles.keysSeenFrom(first);
  const start = [
    w.constant(0, "f32", [tiles.block, tiles.width]),
    w.constant(hidden, "f32", [tiles.block]),
    w.constant(0, "f32", [tiles.block]),
  ];
  const [sum, greatest, total] = w.loop([low, high, tiles.block], start, (at, [sum, greatest, total]) => {
    const keys = tiles.positions(at);
    const kTile = tiles.load(k, head, keys, shape.kvHeads);
    const vTile = tiles.load(v, head, keys, shape.kvHeads);
    const scores = tiles.scores(scaled, kTile, queries, keys);
    const peak = w.max(greatest as Tile, w.greatest(scores, 1));
    const p = w.exp2(w.sub(scores, w.column(peak)));
    const kept = w.exp2(w.sub(greatest as Tile, peak));
    const product = w.dot(w.cast(p, element), vTile, w.mul(sum as Tile, w.column(kept)));
    return [product, peak, w.add(w.mul(total as Tile, kept), w.sum(p, 1))];
  }) as [Tile, Tile, Tile];

  tiles.store(out, head, queries, shape.heads, w.div(sum, w.column(total)));
  tiles.storeStatistics(statistics, head, queries, w.div(w.add(greatest, w.log2(total)), log2e));
  return w.finish("attention_forward", {
    grid: [shape.rows * shape.heads, tiles.blocks, 1],
    warps: tiles.warps,
    stages: 2,
  });
}

/** The operands of both passes backward, in order. */
const backwardOperands = ["q", "k", "v", "out", "statistics", "dOut"] as const;

function backwardWriter({ element }: AttentionShape, results: readonly string[]): KernelWriter {
  const operands = backwardOperands.map((name) => [name, name === "statistics" ? "f32" : element]);
  return new KernelWriter(Object.fromEntries([...operands, ...results.map((name) => [name, element])]));
}

/** Whether `attentionBackward` does everything, or the two kernels for longer sequences are needed. */
export function fitsOneProgram({ length, headWidth }: AttentionShape): boolean {
  return length <= 128 && headWidth <= 32;
}

/** q, k, v, out, statistics, dOut -> dQ [rows, T, H, K], dK, dV [rows, T, G, K], for `fitsOneProgram`. */
export function attentionBackward(shape: AttentionShape): TritonKernel {
  const w = backwardWriter(shape, ["dQ", "dK", "dV"]);
  const [dQ, dK, dV] = w.pointers().slice(backwardOperands.length) as [Pointer, Pointer, Pointer];
  const tiles = new HeadTiles(w, shape);
  const group = tiles.group(w.programId("x"));
  const blocks = Array.from({ length: tiles.blocks }, (_, i) => tiles.positions(w.constant(i * tiles.block, "i32")));
  const zeros = w.constant(0, "f32", [tiles.block, tiles.width]);
  const operands = w.pointers();

  const sums = w.loop([0, shape.heads / shape.kvHeads, 1], Array(2 * blocks.length).fill(zeros), (member, carried) => {
    const head = tiles.headOf(group, member);
    const next = [...carried];
    const keyTiles = blocks.map((keys) => tiles.loadKeys(operands, head, keys));
    for (const [i, queries] of blocks.entries()) {
      const side = tiles.loadQueries(operands, head, queries);
      let query = zeros;
      for (const [j, keys] of blocks.entries()) {
        if (!tiles.sees(i, j)) continue;
        const { p, dScores } = tiles.backwardScores(side, keyTiles[j] as KeySide, queries, keys);
        query = w.dot(dScores, (keyTiles[j] as KeySide).k, query);
        next[2 * j] = w.dot(w.transpose(dScores), side.q, next[2 * j]);
        next[2 * j + 1] = w.dot(w.transpose(p), side.dOut, next[2 * j + 1]);
      }
      tiles.store(dQ, head, queries, shape.heads, query);
    }
    return next;
  });
  const anyHead = tiles.headOf(group, w.constant(0, "i32"));
  for (const [j, keys] of blocks.entries()) {
    tiles.store(dK, anyHead, keys, shape.kvHeads, sums[2 * j] as Tile);
    tiles.store(dV, anyHead, keys, shape.kvHeads, sums[2 * j + 1] as Tile);
  }
  return w.finish("attention_backward", { grid: [shape.rows * shape.kvHeads, 1, 1], warps: tiles.warps, stages: 1 });
}

/** q, k, v, out, statistics, dOut -> dQ [rows, T, H, K]. */
export function attentionBackwardQueries(shape: AttentionShape): TritonKernel {
  const w = backwardWriter(shape, ["dQ"]);
  const operands = w.pointers();
  const tiles = new HeadTiles(w, shape);
  const head = tiles.head(w.programId("x"));
  const first = w.mul(w.programId("y"), tiles.block);
  const queries = tiles.positions(first);
  const side = tiles.loadQueries(operands, head, queries);
  const [low, high] = tiles.keysSeenFrom(first);
  const zeros = w.constant(0, "f32", [tiles.block, tiles.width]);
  const [sum] = w.loop([low, high, tiles.block], [zeros], (at, [sum]) => {
    const keys = tiles.positions(at);
    const keySide = tiles.loadKeys(operands, head, keys);
    return [w.dot(tiles.backwardScores(side, keySide, queries, keys).dScores, keySide.k, sum)];
  });
  tiles.store(operands.at(-1) as Pointer, head, queries, shape.heads, sum as Tile);
  const grid = [shape.rows * shape.heads, tiles.blocks, 1] as const;
  return w.finish("attention_backward_queries", { grid, warps: tiles.warps, stages: 2 });
}

/** q, k, v, out, statistics, dOut -> dK, dV [rows, T, G, K]. */
export function attentionBackwardKeys(shape: AttentionShape): TritonKernel {
  const w = backwardWriter(shape, ["dK", "dV"]);
  const operands = w.pointers();
  const [dK, dV] = operands.slice(backwardOperands.length) as [Pointer, Pointer];
  const tiles = new HeadTiles(w, shape);
  const group = tiles.group(w.programId("x"));
  const first = w.mul(w.programId("y"), tiles.block);
  const keys = tiles.positions(first);
  const anyHead = tiles.headOf(group, w.constant(0, "i32"));
  const keySide = tiles.loadKeys(operands, anyHead, keys);
  const [low, high] = tiles.queriesThatSee(first);
  const zeros = w.constant(0, "f32", [tiles.block, tiles.width]);
  const sums = w.loop([0, shape.heads / shape.kvHeads, 1], [zeros, zeros], (member, carried) => {
    const head = tiles.headOf(group, member);
    return w.loop([low, high, tiles.block], carried, (at, [dKeys, dValues]) => {
      const queries = tiles.positions(at);
      const side = tiles.loadQueries(operands, head, queries);
      const { p, dScores } = tiles.backwardScores(side, keySide, queries, keys);
      return [w.dot(w.transpose(dScores), side.q, dKeys), w.dot(w.transpose(p), side.dOut, dValues)];
    });
  });
  tiles.store(dK, anyHead, keys, shape.kvHeads, sums[0] as Tile);
  tiles.store(dV, anyHead, keys, shape.kvHeads, sums[1] as Tile);
  const grid = [shape.rows * shape.kvHeads, tiles.blocks, 1] as const;
  return w.finish("attention_backward_keys", { grid, warps: tiles.warps, stages: 2 });
}

/** One query head of one row, as scalars. */
interface Head {
  readonly row: Tile;
  readonly query: Tile;
  readonly key: Tile;
}

/** Positions of a block of tokens [block], and which of them exist. */
interface Positions {
  readonly at: Tile;
  readonly exist: Tile | undefined;
}

interface QuerySide {
  readonly q: Tile;
  readonly dOut: Tile;
  readonly statistics: Tile; // in base 2
  readonly mean: Tile; // sum over values of dOut * out
}

interface KeySide {
  readonly k: Tile;
  readonly v: Tile;
}

/** Blocks of tokens of one head, and what all kernels do with them. */
class HeadTiles {
  readonly block: number;
  readonly blocks: number;
  readonly width: number;
  readonly warps: number;
  readonly #w: KernelWriter;
  readonly #shape: AttentionShape;
  readonly #channels: Tile;
  readonly #channelsExist: Tile | undefined;

  constructor(w: KernelWriter, shape: AttentionShape) {
    this.#w = w;
    this.#shape = shape;
    this.width = Math.max(16, powerOfTwo(shape.headWidth));
    const widest = this.width <= 64 ? 64 : 32;
    this.block = Math.max(16, Math.min(widest, powerOfTwo(shape.length)));
    this.blocks = Math.ceil(shape.length / this.block);
    this.warps = 4;
    this.#channels = w.row(w.range(this.width));
    this.#channelsExist = shape.headWidth < this.width ? w.compare("slt", this.#channels, shape.headWidth) : undefined;
  }

  head(program: Tile): Head {
    const { heads, kvHeads } = this.#shape;
    const query = this.#w.remainder(program, heads);
    return { row: this.#w.div(program, heads), query, key: this.#w.div(query, heads / kvHeads) };
  }

  /** One key head of one row. */
  group(program: Tile): { row: Tile; key: Tile } {
    const { kvHeads } = this.#shape;
    return { row: this.#w.div(program, kvHeads), key: this.#w.remainder(program, kvHeads) };
  }

  headOf({ row, key }: { row: Tile; key: Tile }, member: Tile): Head {
    const { heads, kvHeads } = this.#shape;
    return { row, key, query: this.#w.add(this.#w.mul(key, heads / kvHeads), member) };
  }

  positions(first: Tile): Positions {
    const { length } = this.#shape;
    const at = this.#w.add(this.#w.range(this.block), first);
    return { at, exist: length % this.block === 0 ? undefined : this.#w.compare("slt", at, length) };
  }

  /** [block, width]. */
  load(pointer: Pointer, head: Head, positions: Positions, heads: number): Tile {
    return this.#w.load(pointer, this.#offsets(head, positions, heads), this.#mask(positions));
  }

  store(pointer: Pointer, head: Head, positions: Positions, heads: number, value: Tile): void {
    this.#w.store(pointer, this.#offsets(head, positions, heads), value, this.#mask(positions));
  }

  storeStatistics(pointer: Pointer, head: Head, positions: Positions, value: Tile): void {
    this.#w.store(pointer, this.#statisticsOffsets(head, positions), value, positions.exist);
  }

  loadKeys(operands: readonly Pointer[], head: Head, positions: Positions): KeySide {
    const [, k, v] = operands as [Pointer, Pointer, Pointer];
    const { kvHeads } = this.#shape;
    return { k: this.load(k, head, positions, kvHeads), v: this.load(v, head, positions, kvHeads) };
  }

  loadQueries(operands: readonly Pointer[], head: Head, positions: Positions): QuerySide {
    const w = this.#w;
    const [q, , , out, statistics, dOut] = operands as [Pointer, Pointer, Pointer, Pointer, Pointer, Pointer];
    const load = (pointer: Pointer) => this.load(pointer, head, positions, this.#shape.heads);
    const gradient = load(dOut);
    const mean = w.sum(w.mul(w.cast(load(out), "f32"), w.cast(gradient, "f32")), 1);
    const logarithm = w.load(statistics, this.#statisticsOffsets(head, positions), positions.exist);
    return { q: load(q), dOut: gradient, mean, statistics: w.mul(logarithm, log2e) };
  }

  /** Scores in base 2 [queries, keys], hidden ones very small. */
  scores(q: Tile, k: Tile, queries: Positions, keys: Positions): Tile {
    const w = this.#w;
    const scores = w.mul(w.dot(q, w.transpose(k)), this.#shape.scale * log2e);
    const seen = this.#seen(queries, keys);
    return seen ? w.select(seen, scores, w.constant(hidden)) : scores;
  }

  /** p and the gradient of the scores (scale included), both [queries, keys] in the arrays' element. */
  backwardScores(side: QuerySide, { k, v }: KeySide, queries: Positions, keys: Positions): { p: Tile; dScores: Tile } {
    const w = this.#w;
    const { scale, element } = this.#shape;
    const p = w.exp2(w.sub(this.scores(side.q, k, queries, keys), w.column(side.statistics)));
    const dP = w.dot(side.dOut, w.transpose(v));
    const dScores = w.mul(w.mul(p, w.sub(dP, w.column(side.mean))), scale);
    return { p: w.cast(p, element), dScores: w.cast(dScores, element) };
  }

  /** Whether any query of block i sees any key of block j. */
  sees(i: number, j: number): boolean {
    const { left, right } = this.#shape;
    const least = (j - i - 1) * this.block + 1; // key minus query, at least and at most
    const most = (j - i + 1) * this.block - 1;
    return (right === null || least <= right) && (left === null || most >= -left);
  }

  /** Bounds of the blocks of keys, multiples of the block, that queries from `first` on see. */
  keysSeenFrom(first: Tile): [Tile | number, Tile | number] {
    const { left, right } = this.#shape;
    return this.#blockBounds(first, left, right);
  }

  queriesThatSee(first: Tile): [Tile | number, Tile | number] {
    const { left, right } = this.#shape;
    return this.#blockBounds(first, right, left);
  }

  #blockBounds(first: Tile, before: number | null, after: number | null): [Tile | number, Tile | number] {
    const w = this.#w;
    const end = this.blocks * this.block;
    const reach = (distance: number) => Math.ceil(distance / this.block) * this.block;
    const low = before === null ? 0 : w.max(w.sub(first, reach(before)), 0);
    const high = after === null ? end : w.min(w.add(first, this.block + reach(after)), end);
    return [low, high];
  }

  #seen(queries: Positions, keys: Positions): Tile | undefined {
    const w = this.#w;
    const { left, right } = this.#shape;
    const [at, key] = [w.column(queries.at), w.row(keys.at)];
    const tests: Tile[] = [];
    if (right !== null) tests.push(w.compare("sle", w.sub(key, right), at));
    if (left !== null) tests.push(w.compare("sle", w.sub(at, left), key));
    // With nothing to the right a key that does not exist is seen only by queries that do not either.
    if (right !== 0 && keys.exist) tests.push(w.broadcast(w.row(keys.exist), [this.block, this.block]));
    return tests.length === 0 ? undefined : tests.reduce((all, test) => w.and(all, test));
  }

  /** Of [rows, T, heads, K]; `heads` says whether the array has those of queries or of keys. */
  #offsets({ row, query, key }: Head, { at }: Positions, heads: number): Tile {
    const w = this.#w;
    const { length, headWidth } = this.#shape;
    const head = heads === this.#shape.heads ? query : key;
    const token = w.add(w.mul(row, length), at);
    const start = w.mul(w.add(w.mul(token, heads), head), headWidth);
    return w.add(w.column(start), this.#channels);
  }

  /** Of [rows, H, T]. */
  #statisticsOffsets({ row, query }: Head, { at }: Positions): Tile {
    const w = this.#w;
    const { heads, length } = this.#shape;
    return w.add(w.mul(w.add(w.mul(row, heads), query), length), at);
  }

  #mask({ exist }: Positions): Tile | undefined {
    const w = this.#w;
    const channels = this.#channelsExist;
    if (!exist) return channels;
    return channels ? w.and(w.column(exist), channels) : w.column(exist);
  }
}
