// Attention without its T x T scores in memory, forward and backward: softmax or linear (see `weighting.ts`).
//
// Dao et al. 2022, "FlashAttention", arXiv:2205.14135, algorithms 1 and 4, with its layout: heads stay where the
// projection wrote them. Short sequences of narrow heads are done backward by one program a head; else one kernel gives the
// gradients of keys and values, another those of queries.
import type { AttentionWeighting } from "../../../../operators/fused.ts";
import { KernelWriter, type Pointer, powerOfTwo, type Tile, type TritonKernel } from "./triton.ts";
import { type Hide, type Weighting, weightings } from "./weighting.ts";

export interface AttentionShape extends AttentionWeighting {
  /** Members times batch. */
  readonly rows: number;
  readonly length: number;
  readonly heads: number;
  /** Heads of keys and values; each serves heads / kvHeads consecutive query heads. */
  readonly kvHeads: number;
  /** K of queries and keys, V of values. */
  readonly keyWidth: number;
  readonly valueWidth: number;
  readonly scale: number;
  /** Tokens before and after its own that a query sees; null for all. */
  readonly left: number | null;
  readonly right: number | null;
  readonly element: "bf16" | "f32";
}

/** q [rows, T, H, K], k [rows, T, G, K], v [rows, T, G, V] -> out [rows, T, H, V], statistics f32 [rows, H, T]. */
export function attentionForward(shape: AttentionShape): TritonKernel {
  const { element } = shape;
  const w = new KernelWriter({ q: element, k: element, v: element, out: element, statistics: "f32" });
  const [q, k, v, out, statistics] = w.pointers() as [Pointer, Pointer, Pointer, Pointer, Pointer];
  const tiles = new HeadTiles(w, shape);
  const head = tiles.head(w.programId("x"));
  const first = w.mul(w.programId("y"), tiles.block);
  const queries = tiles.positions(first);
  const qTile = tiles.load(q, tiles.queries, head, queries);

  const { weighting } = tiles;
  const [low, high] = tiles.keysSeenFrom(first);
  const start = [tiles.zeros(tiles.values), ...weighting.start.map((x) => w.constant(x, "f32", [tiles.block]))];
  const [sum, ...known] = w.loop([low, high, tiles.block], start, (at, [sum, ...known]) => {
    const keys = tiles.positions(at);
    const kTile = tiles.load(k, tiles.keys, head, keys);
    const vTile = tiles.load(v, tiles.values, head, keys);
    const next = weighting.gather(tiles.scores(qTile, kTile), known, tiles.hiding(queries, keys));
    const before = next.kept ? w.mul(sum as Tile, w.column(next.kept)) : sum;
    return [w.dot(w.cast(next.weights, element), vTile, before), ...next.known];
  });

  const result = weighting.finish(known);
  tiles.store(out, tiles.outputs, head, queries, w.mul(sum as Tile, w.column(result.factor)));
  tiles.storeStatistics(statistics, head, queries, result.statistics);
  return w.finish(tiles.kernelName("forward"), {
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
export function fitsOneProgram({ length, keyWidth, valueWidth }: AttentionShape): boolean {
  return length <= 128 && Math.max(keyWidth, valueWidth) <= 32;
}

/** q, k, v, out, statistics, dOut -> dQ [rows, T, H, K], dK [rows, T, G, K], dV [rows, T, G, V], for `fitsOneProgram`. */
export function attentionBackward(shape: AttentionShape): TritonKernel {
  const w = backwardWriter(shape, ["dQ", "dK", "dV"]);
  const [dQ, dK, dV] = w.pointers().slice(backwardOperands.length) as [Pointer, Pointer, Pointer];
  const tiles = new HeadTiles(w, shape);
  const group = tiles.group(w.programId("x"));
  const blocks = Array.from({ length: tiles.blocks }, (_, i) => tiles.positions(w.constant(i * tiles.block, "i32")));
  const operands = w.pointers();

  const start = blocks.flatMap(() => [tiles.zeros(tiles.keys), tiles.zeros(tiles.values)]);
  const sums = w.loop([0, shape.heads / shape.kvHeads, 1], start, (member, carried) => {
    const head = tiles.headOf(group, member);
    const next = [...carried];
    const keyTiles = blocks.map((keys) => tiles.loadKeys(operands, head, keys));
    for (const [i, queries] of blocks.entries()) {
      const side = tiles.loadQueries(operands, head, queries);
      let query = tiles.zeros(tiles.queries);
      for (const [j, keys] of blocks.entries()) {
        if (!tiles.sees(i, j)) continue;
        const { p, dScores } = tiles.backwardScores(side, keyTiles[j] as KeySide, queries, keys);
        query = w.dot(dScores, (keyTiles[j] as KeySide).k, query);
        next[2 * j] = w.dot(w.transpose(dScores), side.q, next[2 * j]);
        next[2 * j + 1] = w.dot(w.transpose(p), side.dOut, next[2 * j + 1]);
      }
      tiles.store(dQ, tiles.queries, head, queries, tiles.scaled(query));
    }
    return next;
  });
  const anyHead = tiles.headOf(group, w.constant(0, "i32"));
  for (const [j, keys] of blocks.entries()) {
    tiles.store(dK, tiles.keys, anyHead, keys, tiles.scaled(sums[2 * j] as Tile));
    tiles.store(dV, tiles.values, anyHead, keys, sums[2 * j + 1] as Tile);
  }
  return w.finish(tiles.kernelName("backward"), {
    grid: [shape.rows * shape.kvHeads, 1, 1],
    warps: tiles.warps,
    stages: 1,
  });
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
  const [sum] = w.loop([low, high, tiles.block], [tiles.zeros(tiles.queries)], (at, [sum]) => {
    const keys = tiles.positions(at);
    const keySide = tiles.loadKeys(operands, head, keys);
    return [w.dot(tiles.backwardScores(side, keySide, queries, keys).dScores, keySide.k, sum)];
  });
  tiles.store(operands.at(-1) as Pointer, tiles.queries, head, queries, tiles.scaled(sum as Tile));
  const grid = [shape.rows * shape.heads, tiles.blocks, 1] as const;
  return w.finish(tiles.kernelName("backward_queries"), { grid, warps: tiles.warps, stages: 2 });
}

/** q, k, v, out, statistics, dOut -> dK [rows, T, G, K], dV [rows, T, G, V]. */
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
  const start = [tiles.zeros(tiles.keys), tiles.zeros(tiles.values)];
  const sums = w.loop([0, shape.heads / shape.kvHeads, 1], start, (member, carried) => {
    const head = tiles.headOf(group, member);
    return w.loop([low, high, tiles.block], carried, (at, [dKeys, dValues]) => {
      const queries = tiles.positions(at);
      const side = tiles.loadQueries(operands, head, queries);
      const { p, dScores } = tiles.backwardScores(side, keySide, queries, keys);
      return [w.dot(w.transpose(dScores), side.q, dKeys), w.dot(w.transpose(p), side.dOut, dValues)];
    });
  });
  tiles.store(dK, tiles.keys, anyHead, keys, tiles.scaled(sums[0] as Tile));
  tiles.store(dV, tiles.values, anyHead, keys, sums[1] as Tile);
  const grid = [shape.rows * shape.kvHeads, tiles.blocks, 1] as const;
  return w.finish(tiles.kernelName("backward_keys"), { grid, warps: tiles.warps, stages: 2 });
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

/** One of q, k, v and out, or its gradient: an array [rows, T, heads, width]. */
interface Heads {
  readonly of: "query" | "key";
  readonly heads: number;
  readonly width: number;
  /** Channels of a tile [1, a power of two], and which of them exist. */
  readonly channels: Tile;
  readonly exist: Tile | undefined;
}

interface QuerySide {
  readonly q: Tile;
  readonly dOut: Tile; // as the weighting wants it
  readonly statistics: Tile;
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
  readonly warps: number;
  readonly queries: Heads;
  readonly keys: Heads;
  readonly values: Heads;
  readonly outputs: Heads;
  readonly weighting: Weighting;
  readonly #w: KernelWriter;
  readonly #shape: AttentionShape;

  constructor(w: KernelWriter, shape: AttentionShape) {
    this.#w = w;
    this.#shape = shape;
    const { heads, kvHeads, keyWidth, valueWidth } = shape;
    const [keys, values] = [this.#channels(keyWidth), this.#channels(valueWidth)];
    this.queries = { of: "query", heads, ...keys };
    this.keys = { of: "key", heads: kvHeads, ...keys };
    this.values = { of: "key", heads: kvHeads, ...values };
    this.outputs = { of: "query", heads, ...values };
    this.weighting = weightings[shape.weighting](w, shape.eps);
    const widest = Math.max(keyWidth, valueWidth) <= 64 ? 64 : 32;
    this.block = Math.max(16, Math.min(widest, powerOfTwo(shape.length)));
    this.blocks = Math.ceil(shape.length / this.block);
    this.warps = 4;
  }

  kernelName(pass: string): string {
    return `${{ softmax: "attention", linear: "linear_attention" }[this.#shape.weighting]}_${pass}`;
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

  /** [block, channels]. */
  load(pointer: Pointer, heads: Heads, head: Head, positions: Positions): Tile {
    return this.#w.load(pointer, this.#offsets(heads, head, positions), this.#mask(heads, positions));
  }

  store(pointer: Pointer, heads: Heads, head: Head, positions: Positions, value: Tile): void {
    this.#w.store(pointer, this.#offsets(heads, head, positions), value, this.#mask(heads, positions));
  }

  zeros({ channels }: Heads): Tile {
    return this.#w.constant(0, "f32", [this.block, channels.shape[1] as number]);
  }

  storeStatistics(pointer: Pointer, head: Head, positions: Positions, value: Tile): void {
    this.#w.store(pointer, this.#statisticsOffsets(head, positions), value, positions.exist);
  }

  loadKeys(operands: readonly Pointer[], head: Head, positions: Positions): KeySide {
    const [, k, v] = operands as [Pointer, Pointer, Pointer];
    return { k: this.load(k, this.keys, head, positions), v: this.load(v, this.values, head, positions) };
  }

  loadQueries(operands: readonly Pointer[], head: Head, positions: Positions): QuerySide {
    const w = this.#w;
    const [q, , , out, statistics, dOut] = operands as [Pointer, Pointer, Pointer, Pointer, Pointer, Pointer];
    const load = (pointer: Pointer) => w.cast(this.load(pointer, this.outputs, head, positions), "f32");
    const known = w.load(statistics, this.#statisticsOffsets(head, positions), positions.exist);
    const incoming = this.weighting.incoming(load(dOut), known);
    const gradient = w.cast(incoming, this.#shape.element);
    const mean = w.sum(w.mul(load(out), w.cast(gradient, "f32")), 1);
    return { q: this.load(q, this.queries, head, positions), dOut: gradient, mean, statistics: known };
  }

  /** Of all pairs [queries, keys], in the weighting's unit. */
  scores(q: Tile, k: Tile): Tile {
    return this.#times(this.#w.dot(q, this.#w.transpose(k)), this.#shape.scale * this.weighting.unit);
  }

  /** Weights and the gradient of the scores, its scale left to `scaled`, both [queries, keys] in the arrays' element. */
  backwardScores(side: QuerySide, { k, v }: KeySide, queries: Positions, keys: Positions): { p: Tile; dScores: Tile } {
    const w = this.#w;
    const { element } = this.#shape;
    const excess = w.sub(w.dot(side.dOut, w.transpose(v)), w.column(side.mean));
    const hide = this.hiding(queries, keys);
    const { weights, dScores } = this.weighting.gradient(this.scores(side.q, k), side.statistics, excess, hide);
    return { p: w.cast(weights, element), dScores: w.cast(dScores, element) };
  }

  /** Products of scores' gradients with the factor of the scores. */
  scaled(x: Tile): Tile {
    return this.#times(x, this.#shape.scale);
  }

  hiding(queries: Positions, keys: Positions): Hide {
    const w = this.#w;
    const seen = this.#seen(queries, keys);
    return (scores, as) => (seen ? w.select(seen, scores, w.constant(as)) : scores);
  }

  #times(x: Tile, factor: number): Tile {
    return factor === 1 ? x : this.#w.mul(x, factor);
  }

  /** Tiles as wide as a product of the hardware at least. */
  #channels(width: number): Pick<Heads, "width" | "channels" | "exist"> {
    const w = this.#w;
    const size = Math.max(16, powerOfTwo(width));
    const channels = w.row(w.range(size));
    return { width, channels, exist: width < size ? w.compare("slt", channels, width) : undefined };
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

  #offsets({ of, heads, width, channels }: Heads, head: Head, { at }: Positions): Tile {
    const w = this.#w;
    const token = w.add(w.mul(head.row, this.#shape.length), at);
    const start = w.mul(w.add(w.mul(token, heads), head[of]), width);
    return w.add(w.column(start), channels);
  }

  /** Of [rows, H, T]. */
  #statisticsOffsets({ row, query }: Head, { at }: Positions): Tile {
    const w = this.#w;
    const { heads, length } = this.#shape;
    return w.add(w.mul(w.add(w.mul(row, heads), query), length), at);
  }

  #mask({ exist: channels }: Heads, { exist }: Positions): Tile | undefined {
    const w = this.#w;
    if (!exist) return channels;
    return channels ? w.and(w.column(exist), channels) : w.column(exist);
  }
}
