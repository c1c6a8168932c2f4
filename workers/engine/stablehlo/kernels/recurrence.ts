// Linear recurrence h_t = decay_t h_{t-1} + input_t with the state in registers, or h_t = decay_t h_{t+1} + input_t in
// reverse.
//
// Martin and Cundy 2018, "Parallelizing linear recurrent neural nets over sequence length", arXiv:1709.04057, but not
// in parallel along time: rows times channels fill a GPU, and every number is read and written once. A program walks
// along time with a block of channels of one row, a few unrolled steps at once so that their loads overlap.
import { KernelWriter, type Pointer, powerOfTwo, type Tile, type TritonKernel } from "./triton.ts";

export interface RecurrenceShape {
  readonly rows: number;
  readonly length: number;
  readonly channels: number;
  /** From the last step to the first. */
  readonly reverse: boolean;
  /** The state is f32 whatever the arrays hold. */
  readonly elements: Readonly<Record<"decay" | "input" | "h", "bf16" | "f32">>;
}

export interface RecurrenceTiling {
  /** Of one program, a power of two. */
  readonly channels: number;
  /** Unrolled. */
  readonly steps: number;
  readonly warps: number;
}

const defaultTiling: RecurrenceTiling = { channels: 32, steps: 16, warps: 1 };

/** decay, input [rows, T, C] -> h [rows, T, C]; the state before the first step is 0. */
export function recurrence(shape: RecurrenceShape, tiling = defaultTiling): TritonKernel {
  const { rows, length, channels, reverse, elements } = shape;
  const { steps, warps } = tiling;
  const block = Math.min(tiling.channels, powerOfTwo(channels));
  const w = new KernelWriter({ decay: elements.decay, input: elements.input, h: elements.h });
  const [decay, input, h] = w.pointers() as [Pointer, Pointer, Pointer];
  const channel = w.add(w.range(block), w.mul(w.programId("x"), block));
  const first = w.mul(w.programId("y"), length);
  const channelsExist = channels % block === 0 ? undefined : w.compare("slt", channel, channels);
  const mask = (step: Tile) => {
    if (length % steps === 0) return channelsExist;
    const exists = w.broadcast(w.compare("slt", step, length), [block]);
    return channelsExist ? w.and(channelsExist, exists) : exists;
  };

  w.loop([0, Math.ceil(length / steps), 1], [w.constant(0, "f32", [block])], (chunk, [before]) => {
    let state = before as Tile;
    const loaded = Array.from({ length: steps }, (_, i) => {
      const step = w.add(w.mul(chunk, steps), i);
      const time = reverse ? w.sub(w.constant(length - 1, "i32"), step) : step;
      const offsets = w.add(channel, w.mul(w.add(first, time), channels));
      const load = (pointer: Pointer) => w.cast(w.load(pointer, offsets, mask(step)), "f32");
      return { offsets, mask: mask(step), decay: load(decay), input: load(input) };
    });
    for (const step of loaded) {
      state = w.add(w.mul(step.decay, state), step.input);
      w.store(h, step.offsets, state, step.mask);
    }
    return [state];
  });
  return w.finish("recurrence", { grid: [Math.ceil(channels / block), rows, 1], warps, stages: 1 });
}
