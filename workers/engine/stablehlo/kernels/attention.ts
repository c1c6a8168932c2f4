// Attention without its T x T scores in memory, forward and backward: softmax or linear (see `weighting.ts`).
//
// Dao et al. 2022, "FlashAttention", arXiv:2205.14135, algorithms 1 and 4, with its layout: heads stay where the
// projection wrote them. Short sequences of narrow heads are done backward by one program a head; else one kernel gives the
// gradients of keys and values, another those of queries.
//
// Queries, keys and values are arrays of their own, or packed: heads of one array [rows, T, H + 2G, K], in this order.
// Packed queries and keys can be turned by their positions on the way (Su et al. 2021, "RoFormer", arXiv:2104.09864,
// eq. 34): x cos + partner sin with tables [T, K] (`rotaryTables`), the partner of a channel taken by a product.
import type { AttentionWeighting } from "../../../../operators/fused.ts";
import { type Element, KernelWriter, type Pointer, powerOfTwo, type Tile, type TritonKernel } from "./triton.ts";
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
  readonly isPacked: boolean;
  /** Channels of packed queries and keys that are turned; 0 for none, and for no tables. */
  readonly rotary: number;
}

/** Inputs -> out [rows, T, H, V], statistics f32 [rows, H, T]; the inputs are q, k, v or packed with tables cos, sin. */
export function attentionForward(shape: AttentionShape): TritonKernel {
  const { element } = shape;
  const w = new KernelWriter({ ...inputsOf(shape), out: element, statistics: "f32" });
  const tiles = new HeadTiles(w, shape);
  const head = tiles.head(w.programId("x"));
  const first = w.mul(w.programId("y"), tiles.block);
  const queries = tiles.positions(first);
  const q = tiles.load(tiles.input("query"), head, queries);

  const { weighting } = tiles;
  const [low, high] = tiles.keysSeenFrom(first);
  const start = [tiles.zeros("value"), ...weighting.start.map((x) => w.constant(x, "f32", [tiles.block]))];
  const [sum, ...known] = w.loop([low, high, tiles.block], start, (at, [sum, ...known]) => {
    const keys = tiles.positions(at);
    const { k, v } = tiles.loadKeys(head, keys);
    const next = weighting.gather(tiles.scores(q, k), known, tiles.hiding(queries, keys));
    const before = next.kept ? w.mul(sum as Tile, w.column(next.kept)) : sum;
    return [w.dot(w.cast(next.weights, element), v, before), ...next.known];
  });

  const result = weighting.finish(known);
  tiles.store(tiles.output("out"), head, queries, w.mul(sum as Tile, w.column(result.factor)));
  tiles.storeStatistics(head, queries, result.statistics);
  return w.finish(tiles.kernelName("forward"), {
    grid: [shape.rows * shape.heads, tiles.blocks, 1],
    warps: tiles.warps,
    stages: 2,
  });
}

function inputsOf({ element, isPacked, rotary }: AttentionShape): Record<string, Element> {
  if (!isPacked) return { q: element, k: element, v: element };
  return rotary === 0 ? { qkv: element } : { qkv: element, cos: "f32", sin: "f32" };
}

function backwardWriter(shape: AttentionShape, results: readonly string[]): KernelWriter {
  const { element } = shape;
  const gradients = Object.fromEntries(results.map((name) => [name, element]));
  return new KernelWriter({ ...inputsOf(shape), out: element, statistics: "f32", dOut: element, ...gradients });
}

/** Whether `attentionBackward` does everything, or the two kernels for longer sequences are needed. */
export function fitsOneProgram({ length, keyWidth, valueWidth }: AttentionShape): boolean {
  return length <= 128 && Math.max(keyWidth, valueWidth) <= 32;
}

/**
 * Inputs, out, statistics, dOut -> dQ [rows, T, H, K], dK [rows, T, G, K], dV [rows, T, G, V], or their packed array, for
 * `fitsOneProgram`.
 */
export function attentionBackward(shape: AttentionShape): TritonKernel {
  const w = backwardWriter(shape, shape.isPacked ? ["dQKV"] : ["dQ", "dK", "dV"]);
  const tiles = new HeadTiles(w, shape);
  const group = tiles.group(w.programId("x"));
  const blocks = Array.from({ length: tiles.blocks }, (_, i) => tiles.positions(w.constant(i * tiles.block, "i32")));

  const start = blocks.flatMap(() => [tiles.zeros("key"), tiles.zeros("value")]);
  const sums = w.loop([0, shape.heads / shape.kvHeads, 1], start, (member, carried) => {
    const head = tiles.headOf(group, member);
    const next = [...carried];
    const keyTiles = blocks.map((keys) => tiles.loadKeys(head, keys));
    for (const [i, queries] of blocks.entries()) {
      const side = tiles.loadQueries(head, queries);
      let query = tiles.zeros("query");
      for (const [j, keys] of blocks.entries()) {
        if (!tiles.sees(i, j)) continue;
        const { p, dScores } = tiles.backwardScores(side, keyTiles[j] as KeySide, queries, keys);
        query = w.dot(dScores, (keyTiles[j] as KeySide).k, query);
        next[2 * j] = w.dot(w.transpose(dScores), side.q, next[2 * j]);
        next[2 * j + 1] = w.dot(w.transpose(p), side.dOut, next[2 * j + 1]);
      }
      tiles.storeGradient("query", head, queries, query);
    }
    return next;
  });
  const anyHead = tiles.headOf(group, w.constant(0, "i32"));
  for (const [j, keys] of blocks.entries()) {
    tiles.storeGradient("key", anyHead, keys, sums[2 * j] as Tile);
    tiles.storeGradient("value", anyHead, keys, sums[2 * j + 1] as Tile);
  }
  return w.finish(tiles.kernelName("backward"), {
    grid: [shape.rows * shape.kvHeads, 1, 1],
    warps: tiles.warps,
    stages: 1,
  });
}

/** Inputs, out, statistics, dOut -> dQ [rows, T, H, K]. */
export function attentionBackwardQueries(shape: AttentionShape): TritonKernel {
  const w = backwardWriter(shape, ["dQ"]);
  const tiles = new HeadTiles(w, shape);
  const head = tiles.head(w.programId("x"));
  const first = w.mul(w.programId("y"), tiles.block);
  const queries = tiles.positions(first);
  const side = tiles.loadQueries(head, queries);
  const [low, high] = tiles.keysSeenFrom(first);
  const [sum] = w.loop([low, high, tiles.block], [tiles.zeros("query")], (at, [sum]) => {
    const keys = tiles.positions(at);
    const keySide = tiles.loadKeys(head, keys);
    return [w.dot(tiles.backwardScores(side, keySide, queries, keys).dScores, keySide.k, sum)];
  });
  tiles.storeGradient("query", head, queries, sum as Tile);
  const grid = [shape.rows * shape.heads, tiles.blocks, 1] as const;
  return w.finish(tiles.kernelName("backward_queries"), { grid, warps: tiles.warps, stages: 2 });
}

/** Inputs, out, statistics, dOut -> dK [rows, T, G, K], dV [rows, T, G, V]. */
export function attentionBackwardKeys(shape: AttentionShape): TritonKernel {
  const w = backwardWriter(shape, ["dK", "dV"]);
  const tiles = new HeadTiles(w, shape);
  const group = tiles.group(w.programId("x"));
  const first = w.mul(w.programId("y"), tiles.block);
  const keys = tiles.positions(first);
  const anyHead = tiles.headOf(group, w.constant(0, "i32"));
  const keySide = tiles.loadKeys(anyHead, keys);
  const [low, high] = tiles.queriesThatSee(first);
  const start = [tiles.zeros("key"), tiles.zeros("value")];
  const sums = w.loop([0, shape.heads / shape.kvHeads, 1], start, (member, carried) => {
    const head = tiles.headOf(group, member);
    return w.loop([low, high, tiles.block], carried, (at, [dKeys, dValues]) => {
      const queries = tiles.positions(at);
      const side = tiles.loadQueries(head, queries);
      const { p, dScores } = tiles.backwardScores(side, keySide, queries, keys);
      return [w.dot(w.transpose(dScores), side.q, dKeys), w.dot(w.transpose(p), side.dOut, dValues)];
    });
  });
  tiles.storeGradient("key", anyHead, keys, sums[0] as Tile);
  tiles.storeGradient("value", anyHead, keys, sums[1] as Tile);
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

type Part = "query" | "key" | "value";

/** Channels of a head in a tile [1, a power of two], and which of them exist. */
interface Channels {
  readonly width: number;
  readonly at: Tile;
  readonly exist: Tile | undefined;
}

/** Some heads of an array [rows, T, heads, width]: from the first on one for each query head or key head. */
interface Heads {
  readonly pointer: Pointer;
  readonly heads: number;
  readonly first: number;
  readonly of: "query" | "key";
  readonly channels: Channels;
  readonly isTurned: boolean;
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
  readonly weighting: Weighting;
  readonly #w: KernelWriter;
  readonly #shape: AttentionShape;
  readonly #keyChannels: Channels;
  readonly #valueChannels: Channels;

  constructor(w: KernelWriter, shape: AttentionShape) {
    this.#w = w;
    this.#shape = shape;
    const { keyWidth, valueWidth } = shape;
    this.#keyChannels = this.#channels(keyWidth);
    this.#valueChannels = this.#channels(valueWidth);
    this.weighting = weightings[shape.weighting](w, shape.eps);
    const widest = Math.max(keyWidth, valueWidth) <= 64 ? 64 : 32;
    this.block = Math.max(16, Math.min(widest, powerOfTwo(shape.length)));
    this.blocks = Math.ceil(shape.length / this.block);
    this.warps = 4;
  }

  kernelName(pass: string): string {
    const { weighting, isPacked } = this.#shape;
    const kind = isPacked ? "packed_attention" : { softmax: "attention", linear: "linear_attention" }[weighting];
    return `${kind}_${pass}`;
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

  input(of: Part): Heads {
    const own = { query: "q", key: "k", value: "v" }[of];
    return this.#part(of, own, "qkv");
  }

  /** `out` or its gradient. */
  output(name: "out" | "dOut"): Heads {
    const { heads } = this.#shape;
    const pointer = this.#w.pointer(name) as Pointer;
    return { pointer, heads, first: 0, of: "query", channels: this.#valueChannels, isTurned: false };
  }

  /** [block, channels], turned if the array's heads are to be. */
  load(heads: Heads, head: Head, positions: Positions): Tile {
    const w = this.#w;
    const x = w.load(heads.pointer, this.#offsets(heads, head, positions), this.#mask(heads.channels, positions));
    return heads.isTurned ? w.cast(this.#turn(x, positions, "add"), this.#shape.element) : x;
  }

  store(heads: Heads, head: Head, positions: Positions, value: Tile): void {
    const mask = this.#mask(heads.channels, positions);
    this.#w.store(heads.pointer, this.#offsets(heads, head, positions), value, mask);
  }

  /** Those of queries and keys come from the scores' gradients and want the scores' factor. */
  storeGradient(of: Part, head: Head, positions: Positions, value: Tile): void {
    const own = { query: "dQ", key: "dK", value: "dV" }[of];
    const heads = this.#part(of, own, "dQKV");
    const scaled = of === "value" ? value : this.#times(value, this.#shape.scale);
    this.store(heads, head, positions, heads.isTurned ? this.#turn(scaled, positions, "sub") : scaled);
  }

  zeros(of: Part): Tile {
    const { at } = of === "value" ? this.#valueChannels : this.#keyChannels;
    return this.#w.constant(0, "f32", [this.block, at.shape[1] as number]);
  }

  storeStatistics(head: Head, positions: Positions, value: Tile): void {
    const statistics = this.#w.pointer("statistics") as Pointer;
    this.#w.store(statistics, this.#statisticsOffsets(head, positions), value, positions.exist);
  }

  loadKeys(head: Head, positions: Positions): KeySide {
    const [k, v] = (["key", "value"] as const).map((of) => this.load(this.input(of), head, positions));
    return { k: k as Tile, v: v as Tile };
  }

  loadQueries(head: Head, positions: Positions): QuerySide {
    const w = this.#w;
    const load = (name: "out" | "dOut") => w.cast(this.load(this.output(name), head, positions), "f32");
    const statistics = w.load(
      w.pointer("statistics") as Pointer,
      this.#statisticsOffsets(head, positions),
      positions.exist,
    );
    const dOut = w.cast(this.weighting.incoming(load("dOut"), statistics), this.#shape.element);
    const mean = w.sum(w.mul(load("out"), w.cast(dOut, "f32")), 1);
    return { q: this.load(this.input("query"), head, positions), dOut, mean, statistics };
  }

  /** Of all pairs [queries, keys], in the weighting's unit. */
  scores(q: Tile, k: Tile): Tile {
    return this.#times(this.#w.dot(q, this.#w.transpose(k)), this.#shape.scale * this.weighting.unit);
  }

  /** Weights and the gradient of the scores before their factor, both [queries, keys] in the arrays' element. */
  backwardScores(side: QuerySide, { k, v }: KeySide, queries: Positions, keys: Positions): { p: Tile; dScores: Tile } {
    const w = this.#w;
    const { element } = this.#shape;
    const excess = w.sub(w.dot(side.dOut, w.transpose(v)), w.column(side.mean));
    const hide = this.hiding(queries, keys);
    const { weights, dScores } = this.weighting.gradient(this.scores(side.q, k), side.statistics, excess, hide);
    return { p: w.cast(weights, element), dScores: w.cast(dScores, element) };
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
  #channels(width: number): Channels {
    const w = this.#w;
    const size = Math.max(16, powerOfTwo(width));
    const at = w.row(w.range(size));
    return { width, at, exist: width < size ? w.compare("slt", at, width) : undefined };
  }

  /** In an array of its own, or in the packed one if that is a parameter. */
  #part(of: Part, own: string, packed: string): Heads {
    const { heads, kvHeads, rotary } = this.#shape;
    const whole = this.#w.pointer(packed);
    const first = whole ? { query: 0, key: heads, value: heads + kvHeads }[of] : 0;
    return {
      pointer: whole ?? (this.#w.pointer(own) as Pointer),
      heads: whole ? heads + 2 * kvHeads : of === "query" ? heads : kvHeads,
      first,
      of: of === "query" ? "query" : "key",
      channels: of === "value" ? this.#valueChannels : this.#keyChannels,
      isTurned: of !== "value" && rotary > 0,
    };
  }

  /** x cos + partner sin, or x cos - partner sin, which turns back; x [block, channels] of queries or keys -> f32. */
  #turn(x: Tile, positions: Positions, direction: "add" | "sub"): Tile {
    const w = this.#w;
    const { at, width } = this.#keyChannels;
    const places = w.add(w.column(w.mul(positions.at, width)), at);
    const [cos, sin] = ["cos", "sin"].map((name) =>
      w.load(w.pointer(name) as Pointer, places, this.#mask(this.#keyChannels, positions)),
    ) as [Tile, Tile];
    const partners = w.dot(w.cast(x, this.#shape.element), this.#partnerOf(at));
    return w[direction](w.mul(w.cast(x, "f32"), cos), w.mul(partners, sin));
  }

  /** Which channel is the partner of which, as a matrix of zeros and ones. */
  #partnerOf(column: Tile): Tile {
    const w = this.#w;
    const { rotary, element } = this.#shape;
    const half = rotary / 2;
    const row = w.column(w.range(column.shape[1] as number));
    const isUpper = w.and(w.compare("eq", w.add(row, half), column), w.compare("slt", column, rotary));
    const isLower = w.and(w.compare("eq", row, w.add(column, half)), w.compare("slt", row, rotary));
    const ones = w.select(isUpper, w.constant(1), w.select(isLower, w.constant(1), w.constant(0)));
    return w.cast(ones, element);
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

  #offsets({ of, heads, first, channels }: Heads, head: Head, { at }: Positions): Tile {
    const w = this.#w;
    const token = w.add(w.mul(head.row, this.#shape.length), at);
    const index = first === 0 ? head[of] : w.add(head[of], first);
    const start = w.mul(w.add(w.mul(token, heads), index), channels.width);
    return w.add(w.column(start), channels.at);
  }

  /** Of [rows, H, T]. */
  #statisticsOffsets({ row, query }: Head, { at }: Positions): Tile {
    const w = this.#w;
    const { heads, length } = this.#shape;
    return w.add(w.mul(w.add(w.mul(row, heads), query), length), at);
  }

  #mask({ exist: channels }: Channels, { exist }: Positions): Tile | undefined {
    const w = this.#w;
    if (!exist) return channels;
    return channels ? w.and(w.column(exist), channels) : w.column(exist);
  }
}
