// Mamba's recurrence h_t = exp(dt_t A) h_{t-1} + dt_t B_t u_t, y_t = C_t h_t, with the states in registers.
//
// Gu and Dao 2023, arXiv:2312.00752, section 3.3.2. A program owns a block of channels of one row and walks along time,
// a few unrolled steps at once so that their loads overlap. The state before each such chunk is kept; backward walks
// the chunks from the last, computes the states of a chunk again and returns sums per block, which XLA adds up.
import { KernelWriter, type Pointer, powerOfTwo, type Tile, type TritonKernel } from "./triton.ts";

export interface ScanShape {
  readonly members: number;
  readonly batch: number;
  readonly length: number;
  /** Inner channels E. */
  readonly channels: number;
  /** States N of each channel. */
  readonly states: number;
  readonly element: "bf16" | "f32";
}

/** Channels of one program. */
const block = 16;
/** Unrolled steps. */
const chunk = 8;

/** Programs that share a row; the partial sums over channels have this many parts. */
export function channelBlocks({ channels }: ScanShape): number {
  return Math.ceil(channels / block);
}

/** Kept states along time. */
export function chunks({ length }: ScanShape): number {
  return Math.ceil(length / chunk);
}

/**
 * With R = members x batch rows: u [R, T, E], dt f32 [R, T, E], a f32 [members, E, N], b, c f32 [R, T, N]
 * -> y [R, T, E], kept f32 [R, chunks, E, N].
 */
export function selectiveScanForward(shape: ScanShape): TritonKernel {
  const w = new KernelWriter({
    ...{ u: shape.element, dt: "f32", a: "f32", b: "f32", c: "f32" },
    ...{ y: shape.element, kept: "f32" },
  });
  const [u, dt, a, b, c, y, kept] = w.pointers() as Pointer[] as Seven;
  const tiles = new ScanTiles(w, shape);
  const rates = w.mul(tiles.loadRates(a), Math.LOG2E);
  w.loop([0, chunks(shape), 1], [w.constant(0, "f32", tiles.shape)], (index, [before]) => {
    let h = before as Tile;
    tiles.storeStates(kept, index, h);
    const steps = tiles.steps(index).map((time) => ({
      time,
      u: w.cast(tiles.loadChannels(u, time), "f32"),
      dt: tiles.loadChannels(dt, time),
      b: tiles.loadStates(b, time),
      c: tiles.loadStates(c, time),
    }));
    for (const step of steps) {
      h = tiles.next(h, step, rates).h;
      tiles.storeChannels(y, step.time, w.sum(w.mul(h, w.row(step.c)), 1));
    }
    return [h];
  });
  return w.finish("selective_scan_forward", { grid: [channelBlocks(shape), tiles.rows, 1], warps: 1, stages: 1 });
}

type Seven = [Pointer, Pointer, Pointer, Pointer, Pointer, Pointer, Pointer];

/**
 * The forward's operands, its kept states and dY [R, T, E] -> dU [R, T, E], dDt f32 [R, T, E], dA f32 [R, E, N] to be
 * summed over the batch, dB and dC f32 [channel blocks, R, T, N] to be summed over the blocks.
 */
export function selectiveScanBackward(shape: ScanShape): TritonKernel {
  const w = new KernelWriter({
    ...{ u: shape.element, dt: "f32", a: "f32", b: "f32", c: "f32", kept: "f32", dY: shape.element },
    ...{ dU: shape.element, dDt: "f32", dA: "f32", dB: "f32", dC: "f32" },
  });
  const [u, dt, a, b, c, kept, dY] = w.pointers() as Pointer[] as Seven;
  const [dU, dDt, dA, dB, dC] = w.pointers().slice(7) as [Pointer, Pointer, Pointer, Pointer, Pointer];
  const tiles = new ScanTiles(w, shape);
  const natural = tiles.loadRates(a);
  const rates = w.mul(natural, Math.LOG2E);
  const zeros = w.constant(0, "f32", tiles.shape);
  const [, dRates] = w.loop([0, chunks(shape), 1], [zeros, zeros], (fromEnd, [carried, rateSum]) => {
    const index = w.sub(w.constant(chunks(shape) - 1, "i32"), fromEnd);
    let h = tiles.loadKept(kept, index);
    const steps = tiles.steps(index).map((time) => ({
      time,
      u: w.cast(tiles.loadChannels(u, time), "f32"),
      dt: tiles.loadChannels(dt, time),
      b: tiles.loadStates(b, time),
      c: tiles.loadStates(c, time),
      dY: w.cast(tiles.loadChannels(dY, time), "f32"),
    }));
    const states = steps.map((step) => {
      const before = h;
      const { h: after, decay } = tiles.next(before, step, rates);
      h = after;
      return { ...step, before, after, decay };
    });
    let [later, sum] = [carried as Tile, rateSum as Tile]; // later: what the following steps ask of this state
    for (const step of states.toReversed()) {
      const gradient = w.add(later, w.mul(w.column(step.dY), w.row(step.c)));
      tiles.storePartial(dC, step.time, w.sum(w.mul(w.column(step.dY), step.after), 0));
      tiles.storePartial(dB, step.time, w.sum(w.mul(gradient, w.column(w.mul(step.dt, step.u))), 0));
      const ofInput = w.sum(w.mul(gradient, w.row(step.b)), 1);
      tiles.storeChannels(dU, step.time, w.mul(ofInput, step.dt));
      later = w.mul(gradient, step.decay);
      const ofExponent = w.mul(later, step.before);
      tiles.storeChannels(dDt, step.time, w.add(w.sum(w.mul(ofExponent, natural), 1), w.mul(ofInput, step.u)));
      sum = w.add(sum, w.mul(ofExponent, w.column(step.dt)));
    }
    return [later, sum];
  }) as [Tile, Tile];
  tiles.storeRateGradient(dA, dRates);
  return w.finish("selective_scan_backward", { grid: [channelBlocks(shape), tiles.rows, 1], warps: 1, stages: 1 });
}

interface Time {
  readonly at: Tile;
  /** A scalar; undefined where every step of every chunk exists. */
  readonly exists: Tile | undefined;
}

/** A block of channels of one row: offsets into the arrays, and the recurrence itself. */
class ScanTiles {
  readonly rows: number;
  readonly shape: readonly [number, number];
  readonly #w: KernelWriter;
  readonly #scan: ScanShape;
  readonly #row: Tile;
  readonly #part: Tile;
  readonly #channels: Tile;
  readonly #channelsExist: Tile | undefined;
  readonly #states: Tile;
  readonly #statesExist: Tile | undefined;

  constructor(w: KernelWriter, scan: ScanShape) {
    this.#w = w;
    this.#scan = scan;
    this.rows = scan.members * scan.batch;
    const width = powerOfTwo(scan.states);
    this.shape = [block, width];
    this.#part = w.programId("x");
    this.#row = w.programId("y");
    this.#channels = w.add(w.range(block), w.mul(this.#part, block));
    this.#channelsExist = scan.channels % block === 0 ? undefined : w.compare("slt", this.#channels, scan.channels);
    this.#states = w.range(width);
    this.#statesExist = scan.states === width ? undefined : w.compare("slt", this.#states, scan.states);
  }

  steps(index: Tile): Time[] {
    const { length } = this.#scan;
    return Array.from({ length: chunk }, (_, step) => {
      const at = this.#w.add(this.#w.mul(index, chunk), step);
      return { at, exists: length % chunk === 0 ? undefined : this.#w.compare("slt", at, length) };
    });
  }

  /** A step beyond the end has dt = 0 and changes nothing. */
  next(
    before: Tile,
    { u, dt, b }: { readonly u: Tile; readonly dt: Tile; readonly b: Tile },
    rates: Tile,
  ): { h: Tile; decay: Tile } {
    const w = this.#w;
    const decay = w.exp2(w.mul(w.column(dt), rates));
    return { decay, h: w.add(w.mul(decay, before), w.mul(w.column(w.mul(dt, u)), w.row(b))) };
  }

  loadRates(a: Pointer): Tile {
    const member = this.#w.div(this.#row, this.#scan.batch);
    return this.#w.load(a, this.#systems(member), this.#systemsExist());
  }

  storeRateGradient(dA: Pointer, value: Tile): void {
    this.#w.store(dA, this.#systems(this.#row), value, this.#systemsExist());
  }

  storeStates(kept: Pointer, index: Tile, value: Tile): void {
    this.#w.store(kept, this.#systems(this.#keptRow(index)), value, this.#systemsExist());
  }

  loadKept(kept: Pointer, index: Tile): Tile {
    return this.#w.load(kept, this.#systems(this.#keptRow(index)), this.#systemsExist());
  }

  /** [block] of an array [R, T, E]. */
  loadChannels(pointer: Pointer, time: Time): Tile {
    return this.#w.load(pointer, this.#channelOffsets(time), this.#existing(this.#channelsExist, time, block));
  }

  storeChannels(pointer: Pointer, time: Time, value: Tile): void {
    this.#w.store(pointer, this.#channelOffsets(time), value, this.#existing(this.#channelsExist, time, block));
  }

  /** [N] of an array [R, T, N]. */
  loadStates(pointer: Pointer, time: Time): Tile {
    const offsets = this.#stateOffsets(this.#row, time);
    return this.#w.load(pointer, offsets, this.#existing(this.#statesExist, time, this.shape[1]));
  }

  /** [N] of an array [channel blocks, R, T, N]. */
  storePartial(pointer: Pointer, time: Time, value: Tile): void {
    const row = this.#w.add(this.#w.mul(this.#part, this.rows), this.#row);
    this.#w.store(
      pointer,
      this.#stateOffsets(row, time),
      value,
      this.#existing(this.#statesExist, time, this.shape[1]),
    );
  }

  #keptRow(index: Tile): Tile {
    return this.#w.add(this.#w.mul(this.#row, chunks(this.#scan)), index);
  }

  /** [block, N] of an array [..., E, N]. */
  #systems(row: Tile): Tile {
    const w = this.#w;
    const { channels, states } = this.#scan;
    const start = w.mul(w.add(this.#channels, w.mul(row, channels)), states);
    return w.add(w.column(start), w.row(this.#states));
  }

  #systemsExist(): Tile | undefined {
    const [channels, states] = [this.#channelsExist, this.#statesExist];
    if (!channels) return states && this.#w.row(states);
    return states ? this.#w.and(this.#w.column(channels), this.#w.row(states)) : this.#w.column(channels);
  }

  #channelOffsets({ at }: Time): Tile {
    const { length, channels } = this.#scan;
    return this.#w.add(this.#channels, this.#w.mul(this.#w.add(this.#w.mul(this.#row, length), at), channels));
  }

  #stateOffsets(row: Tile, { at }: Time): Tile {
    const { length, states } = this.#scan;
    return this.#w.add(this.#states, this.#w.mul(this.#w.add(this.#w.mul(row, length), at), states));
  }

  #existing(mask: Tile | undefined, { exists }: Time, size: number): Tile | undefined {
    if (!exists) return mask;
    const all = this.#w.broadcast(exists, [size]);
    return mask ? this.#w.and(mask, all) : all;
  }
}
