// A compiled step on the device, with its state and constants resident there.
//
// `run` enqueues everything before it returns: calls that follow queue behind it on the device, in order, and only the
// waiting is asynchronous. The state's memory is given from call to call. A buffer that someone else holds too (another
// program's state, a read under way) is kept for that call, and the call takes new memory instead.
import { EngineError, failure } from "../errors.ts";
import { sizeOf } from "../graph.ts";
import type { Program, Step, TensorSpec, Values } from "../types.ts";
import { adoptThroughHost, checkValues, emptyArray, named } from "../values.ts";
import { hostArray, PjrtBuffer } from "./buffer.ts";
import type { PjrtClient } from "./client.ts";
import { allHappened, type Event } from "./event.ts";
import type { PjrtExecutable } from "./executable.ts";
import type { LoweredStep } from "./lowered.ts";

type Numbers = Float32Array | Int32Array;
type Buffers = Map<string, PjrtBuffer>;

/** Bytes on the device. */
export interface ProgramMemory {
  readonly stateBytes: number;
  readonly temporaryBytes: number;
}

export class PjrtProgram implements Program {
  readonly memory: ProgramMemory;
  readonly #client: PjrtClient;
  readonly #step: Step;
  readonly #lowered: LoweredStep;
  readonly #capacity: number;
  readonly #executable: PjrtExecutable;
  readonly #constants: Buffers = new Map();
  #state: Buffers = new Map();
  /** Why the present state is worth nothing. */
  #lost: unknown;
  #isDisposed = false;
  #isChecked = false;
  /** The end of everything enqueued; never rejects. One wait at a time: each holds a thread. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(
    client: PjrtClient,
    step: Step,
    lowered: LoweredStep,
    capacity: number,
    executable: PjrtExecutable,
    initial: { readonly state: Values; readonly constants: Values },
  ) {
    this.#client = client;
    this.#step = step;
    this.#lowered = lowered;
    this.#capacity = capacity;
    this.#executable = executable;
    this.memory = {
      stateBytes: bytesOf(Object.values(step.state)),
      temporaryBytes: executable.memory()?.temporaryBytes ?? 0,
    };
    try {
      if (executable.outputs !== lowered.results.length) {
        throw new EngineError(`the executable has ${executable.outputs} results, expected ${lowered.results.length}`);
      }
      this.#upload(this.#constants, step.constants, initial.constants);
      this.#upload(this.#state, step.state, initial.state);
    } catch (error) {
      this.#release();
      throw failure(step.name, "starting failed", error);
    }
  }

  async run(steps: number, batches: Values): Promise<Values> {
    this.#usable();
    checkValues(this.#step, "batch entry", this.#step.batch, batches, steps);
    const calls: Call[] = [];
    try {
      for (let first = 0; first < steps; first += this.#capacity) {
        calls.push(this.#enqueue(batches, first, Math.min(this.#capacity, steps - first)));
      }
    } catch (error) {
      await this.#settle(calls).catch(() => undefined);
      throw failure(this.#step.name, "running failed", error);
    }
    await this.#settle(calls);
    return joined(this.#step, calls, steps);
  }

  async state(names?: readonly string[]): Promise<Values> {
    this.#usable();
    const read = Object.entries(named(this.#step.state, names)).map(([name, spec]) => {
      const buffer = this.#buffer(name).hold();
      const array = hostArray(spec);
      return { name, buffer, array, event: buffer.read(array) };
    });
    await this.#inTurn(async () => {
      try {
        await allHappened(read.map(({ event }) => event));
      } catch (error) {
        throw failure(this.#step.name, "reading the state failed", error);
      } finally {
        for (const { buffer } of read) buffer.release();
      }
    });
    return Object.fromEntries(read.map(({ name, array }) => [name, array]));
  }

  async setState(state: Values): Promise<void> {
    this.#open();
    checkValues(this.#step, "state", this.#step.state, state);
    const next: Buffers = new Map();
    try {
      this.#upload(next, this.#step.state, state);
    } catch (error) {
      releaseAll(next);
      throw failure(this.#step.name, "setting the state failed", error);
    }
    this.#replaceState(next);
  }

  /**
   * Takes the entries of equal name from another program's present state: by reference where both are on one client
   * (each then computes its next state into new memory once), else through the host.
   */
  async adoptState(source: Program): Promise<void> {
    this.#open();
    if (source instanceof PjrtProgram && source.#client === this.#client) {
      source.#usable();
      const shared = Object.entries(this.#step.state).filter(([name]) => source.#state.has(name));
      for (const [name, spec] of shared) checkSame(this.#step, name, spec, source.#step.state[name]);
      const taken = shared.map(([name]): [string, PjrtBuffer] => [name, source.#buffer(name).hold()]);
      const kept = [...this.#state].filter(([name]) => !source.#state.has(name));
      this.#replaceState(new Map([...kept.map(([name, b]): [string, PjrtBuffer] => [name, b.hold()]), ...taken]));
      return;
    }
    await adoptThroughHost(this, this.#step, source);
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#tail;
    this.#release();
  }

  /** Everything up to the waiting: uploads, the execution, the new state, the start of the reads. */
  #enqueue(batches: Values, first: number, count: number): Call {
    const brought: PjrtBuffer[] = [];
    try {
      const given = this.#lowered.arguments.map(({ name, kind, spec }) => {
        if (kind === "state") return this.#buffer(name);
        if (kind === "constants") return this.#constants.get(name) as PjrtBuffer;
        const host = kind === "count" ? Int32Array.of(count) : padded(spec, batches[name] as Numbers, first, count);
        const buffer = PjrtBuffer.upload(this.#client, spec, host);
        brought.push(buffer);
        return buffer;
      });
      const keep = given.flatMap((buffer, i) => (buffer.isShared ? [i] : []));
      const { outputs, done } = this.#executable.execute(given, keep);
      return this.#accept(
        outputs.map((address) => new PjrtBuffer(this.#client, address)),
        done,
        count,
      );
    } catch (error) {
      if ([...this.#state.values()].some((buffer) => buffer.isDonated)) this.#lost = error;
      throw error;
    } finally {
      for (const buffer of brought) buffer.release();
    }
  }

  #accept(results: readonly PjrtBuffer[], done: Event, count: number): Call {
    const call: Call = { done, count, reads: [] };
    const problems: unknown[] = [];
    this.#lowered.results.forEach(({ name, kind, spec }, i) => {
      const buffer = results[i] as PjrtBuffer;
      try {
        if (!this.#isChecked) buffer.check(name, spec);
        if (kind === "outputs") {
          const array = hostArray(spec);
          call.reads.push({ name, array, event: buffer.read(array) });
        }
      } catch (error) {
        problems.push(error);
      }
      if (kind === "state") {
        this.#state.get(name)?.release();
        this.#state.set(name, buffer);
      } else {
        buffer.release(); // the read under way keeps its memory
      }
    });
    if (problems.length > 0) {
      void this.#settle([call]).catch(() => undefined);
      throw problems[0];
    }
    this.#isChecked = true;
    return call;
  }

  async #settle(calls: readonly Call[]): Promise<void> {
    const state = this.#state;
    await this.#inTurn(async () => {
      try {
        await allHappened(calls.flatMap(({ done, reads }) => [done, ...reads.map(({ event }) => event)]));
      } catch (error) {
        // Unless it has been replaced since.
        if (this.#state === state) this.#lost ??= error;
        throw failure(this.#step.name, "running failed", error);
      }
    });
  }

  #inTurn<Result>(wait: () => Promise<Result>): Promise<Result> {
    const turn = this.#tail.then(wait);
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  #upload(into: Buffers, specs: Step["state"], values: Values): void {
    for (const [name, spec] of Object.entries(specs)) {
      into.set(name, PjrtBuffer.upload(this.#client, spec, values[name] as Numbers));
    }
  }

  #replaceState(next: Buffers): void {
    const previous = this.#state;
    this.#state = next;
    this.#lost = undefined;
    releaseAll(previous);
  }

  #buffer(name: string): PjrtBuffer {
    const buffer = this.#state.get(name);
    if (!buffer) throw new EngineError(`${this.#step.name}: there is no state "${name}"`);
    return buffer;
  }

  #open(): void {
    if (this.#isDisposed) throw new EngineError(`${this.#step.name}: the program was disposed of`);
  }

  #usable(): void {
    this.#open();
    if (this.#lost) throw failure(this.#step.name, "its state was lost when an earlier call failed", this.#lost);
  }

  #release(): void {
    releaseAll(this.#state);
    releaseAll(this.#constants);
    this.#executable.destroy();
  }
}

interface Call {
  readonly done: Event;
  readonly count: number;
  readonly reads: { readonly name: string; readonly array: Numbers; readonly event: Event<Numbers> }[];
}

/** `count` slices from `first`, then zeros up to the capacity, which no step reads. */
function padded(spec: TensorSpec, values: Numbers, first: number, count: number): Numbers {
  const [capacity = 1, ...slice] = spec.shape;
  const width = sizeOf(slice);
  const given = values.subarray(first * width, (first + count) * width);
  if (count === capacity) return given;
  const all = hostArray(spec);
  all.set(given);
  return all;
}

function joined({ outputs }: Step, calls: readonly Call[], steps: number): Values {
  const entries = Object.entries(outputs).map(([name, spec]) => {
    const width = sizeOf(spec.shape);
    const all = emptyArray(spec, steps);
    let offset = 0;
    for (const { count, reads } of calls) {
      const { array } = reads.find((read) => read.name === name) as Call["reads"][number];
      all.set(array.subarray(0, count * width), offset);
      offset += count * width;
    }
    return [name, all];
  });
  return Object.fromEntries(entries);
}

function checkSame(step: Step, name: string, spec: TensorSpec, given: TensorSpec | undefined): void {
  if (given?.dtype === spec.dtype && given.shape.join() === spec.shape.join()) return;
  const expected = `${spec.dtype}[${spec.shape}]`;
  throw new EngineError(`${step.name}: state "${name}" is ${given?.dtype}[${given?.shape}], expected ${expected}`);
}

function bytesOf(specs: readonly TensorSpec[]): number {
  return specs.reduce((total, { shape }) => total + 4 * sizeOf(shape), 0);
}

function releaseAll(buffers: Buffers): void {
  for (const buffer of buffers.values()) buffer.release();
  buffers.clear();
}
