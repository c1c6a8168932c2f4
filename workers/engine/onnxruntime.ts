// The engine on onnxruntime-node: a step is traced, written as one ONNX model, and run K times per call.
//
// `run` blocks the thread it is called on: production code calls it in the engine's child process.
import * as ort from "onnxruntime-node";
import { EngineError, failure } from "./errors.ts";
import type { Graph, SimplePrimitive } from "./graph.ts";
import { loopModel, nextState, type Roles, stepsInput } from "./onnx/program.ts";
import { trace } from "./trace.ts";
import type { Engine, Program, Specs, Step, Values } from "./types.ts";
import { adoptThroughHost, checkResults, checkStep, checkValues, named } from "./values.ts";

export interface OnnxruntimeOptions {
  /** What executes the operations; those which "cuda" lacks run on the processor. Default "cpu". */
  readonly provider?: "cpu" | "cuda";
  /** Threads inside one operation; default 1: several candidates side by side use more cores better than one does. */
  readonly threads?: number;
  /**
   * Whether numbers below 1e-38 become zero; default true, because on many processors they cost a hundred times the
   * time of others. The first engine of a process decides, also for the arithmetic of JavaScript in the same thread.
   */
  readonly flushDenormals?: boolean;
}

export function onnxruntimeEngine(options: OnnxruntimeOptions = {}): Engine {
  return {
    name: options.provider === "cuda" ? "cuda" : "onnxruntime",
    tokenMultiple: 8, // operators take sequences in equal chunks where their length has a divisor for that
    async compile(step, initial) {
      checkStep(step);
      checkValues(step, "state", step.state, initial.state);
      checkValues(step, "constant", step.constants, initial.constants);
      const graph = traceStep(step);
      const roles = rolesOf(step, graph);
      const { file } = loopModel(graph, roles);
      try {
        const session = await ort.InferenceSession.create(file, sessionOptions(options));
        return new OnnxruntimeProgram(step, roles, session, initial);
      } catch (error) {
        throw failure(step.name, "onnxruntime refused the compiled step", error);
      }
    },
  };
}

export function sessionOptions({
  provider = "cpu",
  threads = 1,
  flushDenormals = true,
}: OnnxruntimeOptions): ort.InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    executionMode: "sequential",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Merges transposes and scalings into products. "all" adds nothing for these graphs, "basic" leaves the scalings.
    graphOptimizationLevel: "extended",
    // A plan of the whole step's memory is no faster than the arena here, and doubles the peak: 2.2 against 1.2 GB.
    enableMemPattern: false,
    logSeverityLevel: 3,
    extra: {
      session: {
        set_denormal_as_zero: flushDenormals ? "1" : "0",
        // Idle threads sleep instead of spinning: as fast alone, twice as fast beside other candidates.
        intra_op: { allow_spinning: "0" },
      },
    },
  };
}

/** The graph of a step, checked against what the step declares. */
export function traceStep(step: Step): Graph<SimplePrimitive> {
  let graph: Graph<SimplePrimitive>;
  try {
    graph = trace({ ...step.state, ...step.constants, ...step.batch }, step.apply);
  } catch (error) {
    throw failure(step.name, "tracing failed", error);
  }
  checkResults(step, graph.outputs);
  return graph;
}

/** State that a step returns untouched (the parameters of an evaluation) is not carried around. */
export function rolesOf(step: Step, graph: Graph): Roles {
  const isUntouched = ([name]: [string, unknown]) => graph.outputs[name] === graph.inputs[name];
  const state = Object.entries(step.state);
  return {
    carried: Object.fromEntries(state.filter((entry) => !isUntouched(entry))),
    fixed: { ...Object.fromEntries(state.filter(isUntouched)), ...step.constants },
    batch: step.batch,
    outputs: step.outputs,
  };
}

class OnnxruntimeProgram implements Program {
  readonly #step: Step;
  readonly #roles: Roles;
  readonly #constants: Record<string, ort.Tensor>;
  #session: ort.InferenceSession | undefined;
  #state: Record<string, ort.Tensor>;

  constructor(
    step: Step,
    roles: Roles,
    session: ort.InferenceSession,
    initial: { readonly state: Values; readonly constants: Values },
  ) {
    this.#step = step;
    this.#roles = roles;
    this.#session = session;
    this.#constants = tensors(step.constants, initial.constants);
    this.#state = tensors(step.state, copied(step.state, initial.state));
  }

  async run(steps: number, batches: Values): Promise<Values> {
    const { batch, outputs } = this.#step;
    const session = this.#open();
    checkValues(this.#step, "batch entry", batch, batches, steps);
    const feeds: Record<string, ort.Tensor> = {
      [stepsInput]: new ort.Tensor("int64", BigInt64Array.of(BigInt(steps)), []),
      ...this.#constants,
      ...this.#state,
      ...tensors(batch, batches, steps),
    };
    try {
      const results = await session.run(feeds);
      for (const name of Object.keys(this.#roles.carried)) {
        this.#state[name] = results[nextState(name)] as ort.Tensor;
      }
      return Object.fromEntries(Object.keys(outputs).map((name) => [name, dataOf(results[name])]));
    } catch (error) {
      throw failure(this.#step.name, "running failed", error);
    }
  }

  async state(names?: readonly string[]): Promise<Values> {
    this.#open();
    const state = Object.entries(this.#state).map(([name, tensor]) => [name, dataOf(tensor)]);
    return copied(named(this.#step.state, names), Object.fromEntries(state));
  }

  async setState(state: Values): Promise<void> {
    this.#open();
    checkValues(this.#step, "state", this.#step.state, state);
    this.#state = tensors(this.#step.state, copied(this.#step.state, state));
  }

  adoptState(source: Program): Promise<void> {
    return adoptThroughHost(this, this.#step, source);
  }

  async dispose(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    this.#state = {};
    await session?.release();
  }

  #open(): ort.InferenceSession {
    if (!this.#session) throw new EngineError(`${this.#step.name}: the program was disposed of`);
    return this.#session;
  }
}

/** onnxruntime reads the arrays in place. With `slices`, an axis of them comes first. */
function tensors(specs: Specs, values: Values, slices?: number): Record<string, ort.Tensor> {
  const entries = Object.entries(specs).map(([name, { dtype, shape }]) => {
    const dimensions = slices === undefined ? [...shape] : [slices, ...shape];
    return [name, new ort.Tensor(dtype, values[name] as Float32Array & Int32Array, dimensions)];
  });
  return Object.fromEntries(entries);
}

function copied(specs: Specs, values: Values): Values {
  return Object.fromEntries(Object.keys(specs).map((name) => [name, (values[name] as Float32Array).slice()]));
}

function dataOf(tensor: ort.Tensor | undefined): Float32Array | Int32Array {
  return tensor?.data as Float32Array | Int32Array;
}
