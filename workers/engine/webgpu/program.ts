// A compiled step on the GPU. State and constants stay there: a step costs the host one call and the batch's few numbers,
// and the outputs of all steps of a call come back together.
import type * as ort from "onnxruntime-node";
import { EngineError, failure } from "../errors.ts";
import { nextState, type Roles } from "../onnx/program.ts";
import type { Program, Specs, Step, Values } from "../types.ts";
import { adoptThroughHost, checkValues, named } from "../values.ts";
import { arraysOf, copied, copier, disposeAll, hostTensors, joiner, sliceOf, type Tensors } from "./copies.ts";

type Session = ort.InferenceSession;

export class WebGpuProgram implements Program {
  readonly #step: Step;
  readonly #roles: Roles;
  readonly #session: Session;
  /** Every other session, in the order of creation. */
  readonly #helpers = new Map<string, Session>();
  #constants: Tensors = {};
  #state: Tensors = {};
  #isDisposed = false;

  constructor(step: Step, roles: Roles, session: Session) {
    this.#step = step;
    this.#roles = roles;
    this.#session = session;
  }

  async setConstants(constants: Values): Promise<void> {
    const specs = this.#step.constants;
    disposeAll(Object.values(this.#constants));
    this.#constants = await this.#copy("constants", specs, "gpu-buffer", hostTensors(specs, constants));
  }

  async run(steps: number, batches: Values): Promise<Values> {
    this.#open();
    const { batch, outputs } = this.#step;
    checkValues(this.#step, "batch entry", batch, batches, steps);
    const slices: Tensors = {};
    try {
      for (let k = 0; k < steps; k++) {
        const results = await this.#session.run({
          ...this.#constants,
          ...this.#state,
          ...hostTensors(batch, batches, k),
        });
        for (const name of Object.keys(this.#roles.carried)) this.#replace(name, results[nextState(name)]);
        for (const name of Object.keys(outputs)) slices[sliceOf(name, k)] = results[name] as ort.Tensor;
      }
      const join = await this.#helper(`${steps} slices`, () => joiner(outputs, steps));
      return arraysOf(await copied(join, outputs, slices));
    } catch (error) {
      throw failure(this.#step.name, "running failed", error);
    } finally {
      disposeAll(Object.values(slices));
    }
  }

  async state(names?: readonly string[]): Promise<Values> {
    this.#open();
    const specs = named(this.#step.state, names);
    const chosen = Object.fromEntries(Object.keys(specs).map((name) => [name, this.#state[name] as ort.Tensor]));
    return arraysOf(await this.#copy(`state ${Object.keys(specs)}`, specs, "cpu", chosen));
  }

  async setState(state: Values): Promise<void> {
    this.#open();
    const specs = this.#step.state;
    checkValues(this.#step, "state", specs, state);
    const next = await this.#copy("state", specs, "gpu-buffer", hostTensors(specs, state));
    for (const [name, tensor] of Object.entries(next)) this.#replace(name, tensor);
  }

  adoptState(source: Program): Promise<void> {
    return adoptThroughHost(this, this.#step, source);
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    disposeAll([...Object.values(this.#state), ...Object.values(this.#constants)]);
    for (const session of [...this.#helpers.values(), this.#session]) await session.release();
  }

  #replace(name: string, tensor: ort.Tensor | undefined): void {
    this.#state[name]?.dispose();
    this.#state[name] = tensor as ort.Tensor;
  }

  async #copy(what: string, specs: Specs, to: "cpu" | "gpu-buffer", from: Tensors): Promise<Tensors> {
    if (Object.keys(specs).length === 0) return {};
    return copied(await this.#helper(`${what} to ${to}`, () => copier(specs, to)), specs, from);
  }

  async #helper(what: string, create: () => Promise<Session>): Promise<Session> {
    const known = this.#helpers.get(what);
    if (known) return known;
    const session = await create();
    this.#helpers.set(what, session);
    return session;
  }

  #open(): void {
    if (this.#isDisposed) throw new EngineError(`${this.#step.name}: the program was disposed of`);
  }
}
