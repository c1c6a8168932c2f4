// The reference engine: the step itself, run operation by operation by tfjs.
import * as tf from "@tensorflow/tfjs";
import { EngineError, failure } from "./errors.ts";
import { sizeOf } from "./graph.ts";
import type { Engine, Program, Specs, Step, TensorSpec, Values } from "./types.ts";
import { adoptThroughHost, checkResults, checkStep, checkValues, emptyArray, named } from "./values.ts";

// Keeps tfjs from advising on its first write to install another backend.
tf.enableProdMode();

export interface EagerOptions {
  /** A registered tfjs backend; default "cpu". */
  readonly backend?: string;
}

type Tensors = Record<string, tf.Tensor>;

export function eagerEngine({ backend = "cpu" }: EagerOptions = {}): Engine {
  return {
    name: "eager",
    async compile(step, initial) {
      checkStep(step);
      checkValues(step, "state", step.state, initial.state);
      checkValues(step, "constant", step.constants, initial.constants);
      await useBackend(backend);
      return new EagerProgram(
        step,
        backend,
        tensors(step.state, initial.state),
        tensors(step.constants, initial.constants),
      );
    },
  };
}

class EagerProgram implements Program {
  readonly #step: Step;
  readonly #backend: string;
  readonly #constants: Tensors;
  #state: Tensors;
  #isDisposed = false;

  constructor(step: Step, backend: string, state: Tensors, constants: Tensors) {
    this.#step = step;
    this.#backend = backend;
    this.#state = state;
    this.#constants = constants;
  }

  async run(steps: number, batches: Values): Promise<Values> {
    await this.#open();
    checkValues(this.#step, "batch entry", this.#step.batch, batches, steps);
    const { outputs } = this.#step;
    const collected = Object.fromEntries(
      Object.entries(outputs).map(([name, spec]) => [name, emptyArray(spec, steps)]),
    );
    for (let k = 0; k < steps; k++) {
      const results = this.#once(k, batches);
      for (const [name, { shape }] of Object.entries(outputs)) {
        const result = results[name] as tf.Tensor;
        collected[name]?.set((await result.data()) as Float32Array, k * sizeOf(shape));
        result.dispose();
      }
    }
    return collected;
  }

  async state(names?: readonly string[]): Promise<Values> {
    await this.#open();
    const chosen = Object.entries(pick(named(this.#step.state, names), this.#state));
    const state = chosen.map(async ([name, tensor]) => [name, (await tensor.data()).slice()]);
    return Object.fromEntries(await Promise.all(state));
  }

  async setState(state: Values): Promise<void> {
    await this.#open();
    checkValues(this.#step, "state", this.#step.state, state);
    tf.dispose(this.#state);
    this.#state = tensors(this.#step.state, state);
  }

  adoptState(source: Program): Promise<void> {
    return adoptThroughHost(this, this.#step, source);
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    tf.dispose([this.#state, this.#constants]);
  }

  /** Step k of a call: replaces the state and returns the outputs. */
  #once(k: number, batches: Values): Tensors {
    let results: Tensors;
    try {
      results = tf.tidy(() => {
        const batch = tensors(this.#step.batch, batches, k);
        const results = this.#step.apply({ ...this.#state, ...this.#constants, ...batch });
        checkResults(this.#step, results);
        // A clone where the step returns an input, so that each result can be disposed of by itself.
        return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, tensor.clone()]));
      });
    } catch (error) {
      throw error instanceof EngineError ? error : failure(this.#step.name, "running failed", error);
    }
    tf.dispose(this.#state);
    this.#state = pick(this.#step.state, results);
    return pick(this.#step.outputs, results);
  }

  async #open(): Promise<void> {
    if (this.#isDisposed) throw new EngineError(`${this.#step.name}: the program was disposed of`);
    await useBackend(this.#backend);
  }
}

async function useBackend(backend: string): Promise<void> {
  if (tf.getBackend() === backend) return;
  if (!(await tf.setBackend(backend))) throw new EngineError(`tfjs has no backend "${backend}" here`);
}

/** Tensors of the arrays, or of slice k of them. */
function tensors(specs: Specs, values: Values, k = 0): Tensors {
  const entries = Object.entries(specs).map(([name, spec]) => [name, tensorOf(spec, values[name], k)]);
  return Object.fromEntries(entries);
}

/** Copies: tfjs would keep the caller's array and see its later changes. */
function tensorOf({ shape, dtype }: TensorSpec, values: Float32Array | Int32Array | undefined, k: number): tf.Tensor {
  const size = sizeOf(shape);
  return tf.tensor(values?.slice(k * size, (k + 1) * size) ?? [], [...shape], dtype);
}

function pick(specs: Specs, tensors: Tensors): Tensors {
  return Object.fromEntries(Object.keys(specs).map((name) => [name, tensors[name] as tf.Tensor]));
}
