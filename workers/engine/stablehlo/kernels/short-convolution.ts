// Depthwise causal convolution with a few taps, forward and backward; the input may be read by several groups of filters.
//
// y_t = sum_k weight_k x_{t-(K-1)+k} + bias. A program owns a block of tokens and channels of one sequence, and reads
// its taps from the cache. The sums of the weights' gradients over one sequence are added up afterwards.
import { KernelWriter, type Pointer, type Tile, type TritonKernel } from "./triton.ts";

export interface ShortConvolutionShape {
  readonly members: number;
  readonly batch: number;
  readonly length: number;
  /** Of the input; channel c of the output reads channel c mod inputs. */
  readonly inputs: number;
  readonly channels: number;
  readonly taps: number;
  readonly element: "bf16" | "f32";
}

/** Of a tile. */
const [tokens, width] = [16, 128];
const launch = { warps: 4, stages: 1 } as const;

/** x [P, B, T, inputs], weight f32 [P, C, K], with a bias f32 [P, C] -> y [P, B, T, C]. */
export function shortConvolutionForward(shape: ShortConvolutionShape, hasBias: boolean): TritonKernel {
  const { element, channels } = shape;
  const w = new KernelWriter({ x: element, weight: "f32", ...(hasBias && { bias: "f32" }), y: element });
  const [x, weight, ...rest] = w.pointers() as [Pointer, Pointer, ...Pointer[]];
  const y = rest.at(-1) as Pointer;
  const tiles = new ConvolutionTiles(w, shape);
  const { time, sequence, member } = tiles.place();
  const channel = tiles.channelsFrom(w.programId("y"), channels);
  const start = hasBias
    ? w.load(rest[0] as Pointer, w.add(channel.at, w.mul(member, channels)), channel.exist)
    : w.constant(0, "f32", [width]);
  let sum = w.broadcast(w.row(start), [tokens, width]);
  for (let tap = 0; tap < shape.taps; tap++) {
    const past = tiles.load(x, sequence, w.sub(time, shape.taps - 1 - tap), tiles.inputsOf(channel), shape.inputs);
    sum = w.add(sum, w.mul(past, w.row(tiles.loadTap(weight, member, channel, tap))));
  }
  tiles.store(y, sequence, time, channel, channels, sum);
  return w.finish("short_convolution", { grid: tiles.grid(channels), ...launch });
}

/** weight, dY -> dX [P, B, T, inputs]. */
export function shortConvolutionBackwardInput(shape: ShortConvolutionShape): TritonKernel {
  const { element, channels, inputs, taps } = shape;
  const w = new KernelWriter({ weight: "f32", dY: element, dX: element });
  const [weight, dY, dX] = w.pointers() as [Pointer, Pointer, Pointer];
  const tiles = new ConvolutionTiles(w, shape);
  const { time, sequence, member } = tiles.place();
  const input = tiles.channelsFrom(w.programId("y"), inputs);
  let sum = w.constant(0, "f32", [tokens, width]);
  for (let group = 0; group < channels / inputs; group++) {
    const channel = { at: w.add(input.at, group * inputs), exist: input.exist };
    for (let tap = 0; tap < taps; tap++) {
      const later = tiles.load(dY, sequence, w.add(time, taps - 1 - tap), channel, channels);
      sum = w.add(sum, w.mul(later, w.row(tiles.loadTap(weight, member, channel, tap))));
    }
  }
  tiles.store(dX, sequence, time, input, inputs, sum);
  return w.finish("short_convolution_backward_input", { grid: tiles.grid(inputs), ...launch });
}

/** x, dY -> f32 [P B, K + 1, C]: for every sequence what it gives to the gradient of each tap, then to that of the bias. */
export function shortConvolutionBackwardWeights(shape: ShortConvolutionShape): TritonKernel {
  const { element, members, batch, length, channels, taps } = shape;
  const w = new KernelWriter({ x: element, dY: element, parts: "f32" });
  const [x, dY, parts] = w.pointers() as [Pointer, Pointer, Pointer];
  const tiles = new ConvolutionTiles(w, shape);
  const [channel, sequence] = [tiles.channelsFrom(w.programId("x"), channels), w.programId("y")];
  const start = Array.from({ length: taps + 1 }, () => w.constant(0, "f32", [width]));
  const sums = w.loop([0, Math.ceil(length / tokens), 1], start, (index, carried) => {
    const time = w.add(w.range(tokens), w.mul(index, tokens));
    const gradient = tiles.load(dY, sequence, time, channel, channels);
    return carried.map((sum, tap) => {
      if (tap === taps) return w.add(sum, w.sum(gradient, 0));
      const past = tiles.load(x, sequence, w.sub(time, taps - 1 - tap), tiles.inputsOf(channel), shape.inputs);
      return w.add(sum, w.sum(w.mul(gradient, past), 0));
    });
  });
  for (const [row, sum] of sums.entries()) {
    const place = w.mul(w.add(w.mul(sequence, taps + 1), row), channels);
    w.store(parts, w.add(channel.at, place), sum, channel.exist);
  }
  const grid = [Math.ceil(channels / width), members * batch, 1] as const;
  return w.finish("short_convolution_backward_weights", { grid, ...launch });
}

interface Channels {
  readonly at: Tile; // [width]
  readonly exist: Tile | undefined;
}

class ConvolutionTiles {
  readonly #w: KernelWriter;
  readonly #shape: ShortConvolutionShape;

  constructor(w: KernelWriter, shape: ShortConvolutionShape) {
    this.#w = w;
    this.#shape = shape;
  }

  grid(channels: number): readonly [number, number, number] {
    const { members, batch, length } = this.#shape;
    return [Math.ceil(length / tokens), Math.ceil(channels / width), members * batch];
  }

  /** Of this program: its tokens [tokens], its sequence among P B, and the member that it belongs to. */
  place(): { time: Tile; sequence: Tile; member: Tile } {
    const w = this.#w;
    const sequence = w.programId("z");
    const time = w.add(w.range(tokens), w.mul(w.programId("x"), tokens));
    return { time, sequence, member: w.div(sequence, this.#shape.batch) };
  }

  channelsFrom(block: Tile, channels: number): Channels {
    const w = this.#w;
    const at = w.add(w.range(width), w.mul(block, width));
    return { at, exist: channels % width === 0 ? undefined : w.compare("slt", at, channels) };
  }

  inputsOf({ at, exist }: Channels): Channels {
    const { inputs, channels } = this.#shape;
    return inputs === channels ? { at, exist } : { at: this.#w.remainder(at, inputs), exist };
  }

  /** f32 [tokens, width] of an array [P, B, T, channels], zeros where there is no such token. */
  load(pointer: Pointer, sequence: Tile, time: Tile, channel: Channels, channels: number): Tile {
    const loaded = this.#w.load(pointer, this.#offsets(sequence, time, channel, channels), this.#mask(time, channel));
    return this.#w.cast(loaded, "f32");
  }

  store(pointer: Pointer, sequence: Tile, time: Tile, channel: Channels, channels: number, value: Tile): void {
    this.#w.store(pointer, this.#offsets(sequence, time, channel, channels), value, this.#mask(time, channel));
  }

  /** [width] of an array [P, C, K]. */
  loadTap(pointer: Pointer, member: Tile, { at, exist }: Channels, tap: number): Tile {
    const w = this.#w;
    const { channels, taps } = this.#shape;
    return w.load(pointer, w.add(w.mul(w.add(at, w.mul(member, channels)), taps), tap), exist);
  }

  #offsets(sequence: Tile, time: Tile, { at }: Channels, channels: number): Tile {
    const w = this.#w;
    const token = w.add(time, w.mul(sequence, this.#shape.length));
    return w.add(w.column(w.mul(token, channels)), w.row(at));
  }

  #mask(time: Tile, { exist }: Channels): Tile {
    const w = this.#w;
    const inside = w.and(w.compare("sge", time, 0), w.compare("slt", time, this.#shape.length));
    return exist ? w.and(w.column(inside), w.row(exist)) : w.column(inside);
  }
}
