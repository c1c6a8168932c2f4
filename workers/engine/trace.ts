// Records a pure tfjs function as a graph.
//
// A backend named "trace" is registered with tfjs; while a function runs on it, kernels append primitives instead of
// computing, gradients included. Tensors of the trace have shapes and types but no values.
import * as tf from "@tensorflow/tfjs";
import type { FusedKernel } from "../../operators/fused.ts";
import { GraphBuilder } from "./builder.ts";
import { compositeKernels } from "./composites.ts";
import { EngineError } from "./errors.ts";
import type { Data, DType, Graph, SimplePrimitive, Value } from "./graph.ts";
import { dropDeadNodes, sizeOf } from "./graph.ts";
import { type KernelRule, kernels } from "./kernels.ts";
import type { Specs } from "./types.ts";

type Tensors = Readonly<Record<string, tf.Tensor>>;

/** A larger tensor made outside belongs in the step's constants: embedded, it would travel in every compiled file. */
const largestForeignTensor = 4096;

type Apply = (tensors: Tensors) => Record<string, tf.Tensor>;

/**
 * The graph of `apply` on tensors of the given shapes. Synchronous, so nothing else can run on the tracing backend.
 * Composites are those that the engine names, and none without.
 *
 * @throws EngineError for a kernel without a rule, a read of a traced value, JavaScript randomness, or a large tensor
 *   made outside of the trace.
 */
export function trace(inputs: Specs, apply: Apply): Graph<SimplePrimitive>;
export function trace(inputs: Specs, apply: Apply, options: { readonly composites: readonly FusedKernel[] }): Graph;
export function trace(
  inputs: Specs,
  apply: Apply,
  { composites }: { composites?: readonly FusedKernel[] } = {},
): Graph {
  if (recording) throw new EngineError("a trace inside a trace");
  if (tf.env().getBool("DEBUG")) {
    throw new EngineError("tf.enableDebugMode() reads every value, and traced tensors have none: switch it off");
  }
  const current = new Recording();
  const previous = enterBackend();
  const fused = Object.assign({}, ...(composites ?? []).map((name) => compositeKernels[name])) as typeof kernels;
  registerKernels(fused);
  const random = Math.random;
  Math.random = () => current.fail("Math.random inside a step: it would be drawn once and stay; make it an input");
  recording = current;
  tf.engine().startScope("trace");
  try {
    return current.run(inputs, apply);
  } catch (error) {
    throw explained(error);
  } finally {
    tf.engine().endScope();
    recording = undefined;
    Math.random = random;
    for (const kernelName of Object.keys(fused)) tf.unregisterKernel(kernelName, backendName);
    leaveBackend(previous);
  }
}

let recording: Recording | undefined;

class Recording {
  readonly graph = new GraphBuilder();
  readonly #values = new WeakMap<object, Value>();
  #failure: EngineError | undefined;

  run(specs: Specs, apply: Apply): Graph {
    const inputs: Record<string, Value> = {};
    const tensors: Record<string, tf.Tensor> = {};
    for (const [name, { shape, dtype }] of Object.entries(specs)) {
      const value = this.graph.input(shape, dtype);
      inputs[name] = value;
      tensors[name] = tf.engine().makeTensorFromTensorInfo(this.handle(value));
    }
    const results = apply(tensors);
    if (results instanceof Promise) throw new EngineError("a step returned a promise: it must be synchronous");
    const outputs = Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, this.value(tensor)]));
    if (this.#failure) throw this.#failure;
    return dropDeadNodes({ inputs, nodes: this.graph.nodes, outputs });
  }

  /** What tfjs holds in its hands for a value. */
  handle(value: Value): tf.TensorInfo {
    const dataId = {};
    this.#values.set(dataId, value);
    return { dataId, shape: [...value.shape], dtype: value.dtype };
  }

  has(dataId: object): boolean {
    return this.#values.has(dataId);
  }

  /** A tensor that was made outside is embedded with the values it has now. */
  value(tensor: tf.TensorInfo): Value {
    const known = this.#values.get(tensor.dataId);
    if (known) return known;
    const { shape, dtype } = tensor;
    if (sizeOf(shape) > largestForeignTensor) {
      this.fail(`a tensor ${dtype}[${shape}] made outside of the step: declare it among the step's constants`);
    }
    const value = this.graph.constant(typed(tf.engine().readSync(tensor.dataId), dtype), shape, element(dtype));
    this.#values.set(tensor.dataId, value);
    return value;
  }

  constant(values: tf.backend_util.BackendValues, shape: readonly number[], dtype: tf.DataType): object {
    const random = tf.engine().state.scopeStack.find(({ name }) => randomOperations.has(name));
    if (random) {
      const operation = random.name.replace("__op", "");
      this.fail(`tf.${operation} inside a step: it would be drawn once and stay; make its result an input`);
    }
    return this.handle(this.graph.constant(typed(values, dtype), shape, element(dtype))).dataId;
  }

  fail(message: string): never {
    throw this.note(message);
  }

  /** Remembered, so that the trace fails even where the step swallows the error. */
  note(message: string): EngineError {
    this.#failure ??= new EngineError(message);
    return this.#failure;
  }
}

/** tfjs draws these in JavaScript, whatever the backend. */
const randomOperations: ReadonlySet<string> = new Set(
  [
    "rand",
    "randomGamma",
    "randomNormal",
    "randomStandardNormal",
    "randomUniform",
    "randomUniformInt",
    "truncatedNormal",
  ]
    .concat("dropout", "multinomial")
    .map((operation) => `${operation}__op`),
);

const unreadable = "the value of a traced tensor was read: a step may not look at its numbers";

class TraceBackend extends tf.KernelBackend {
  override write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): object {
    return active().constant(values, shape, dtype);
  }
  override readSync(): never {
    return active().fail(unreadable);
  }
  /** Never settles: the trace fails by itself, and a rejection that nobody awaits would end the process. */
  override read(): Promise<never> {
    recording?.note(unreadable);
    return new Promise(() => {});
  }
  override move(): never {
    return active().fail("a tensor of another backend was moved into a step");
  }
  /** Values live as long as their graph. */
  override disposeData(): boolean {
    return true;
  }
  override refCount(): number {
    return 1;
  }
  override incRef(): void {}
  override numDataIds(): number {
    return 0;
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }
  override floatPrecision(): 32 {
    return 32;
  }
  override timerAvailable(): boolean {
    return false;
  }
  override dispose(): void {}
}

const backendName = "trace";

/** Makes the tracing backend tfjs's own and returns the name of the one before. */
function enterBackend(): string {
  if (!tf.findBackendFactory(backendName)) {
    tf.registerBackend(backendName, () => new TraceBackend(), 0);
    registerKernels(kernels);
  }
  const previous = tf.getBackend() || "cpu";
  // Takes effect before it returns: the backend's factory is synchronous.
  void tf.setBackend(backendName);
  if (tf.getBackend() !== backendName) throw new EngineError("tfjs did not switch to the tracing backend");
  return previous;
}

function registerKernels(rules: Readonly<Record<string, KernelRule>>): void {
  for (const [kernelName, rule] of Object.entries(rules)) {
    tf.registerKernel({ kernelName, backendName, kernelFunc: (call) => runKernel(rule, call) });
  }
}

function leaveBackend(previous: string): void {
  void tf.setBackend(previous);
}

type KernelCall = Parameters<tf.KernelFunc>[0];

function runKernel(rule: KernelRule, { inputs, attrs }: KernelCall): tf.TensorInfo | tf.TensorInfo[] {
  const current = active();
  const values = Array.isArray(inputs)
    ? inputs.map((tensor: tf.TensorInfo) => current.value(tensor))
    : Object.fromEntries(
        Object.entries(inputs)
          .filter(([, tensor]) => tensor)
          .map(([name, tensor]) => [name, current.value(tensor as tf.TensorInfo)]),
      );
  const result = rule(current.graph, values as never, (attrs ?? {}) as never);
  return Array.isArray(result) ? result.map((value) => current.handle(value)) : current.handle(result);
}

function active(): Recording {
  if (!recording) throw new EngineError("a traced tensor was used after its trace had ended");
  return recording;
}

/** tfjs's own words for a missing kernel, made into ours. */
function explained(error: unknown): unknown {
  const missing = error instanceof Error && /Kernel '(\w+)' not registered for backend 'trace'/.exec(error.message);
  if (!missing) return error;
  return new EngineError(`kernel ${missing[1]} has no rule in workers/engine/kernels.ts`, { cause: error });
}

function typed(values: tf.backend_util.BackendValues, dtype: tf.DataType): Data {
  if (dtype === "float32") return Float32Array.from(values as ArrayLike<number>);
  if (dtype === "int32") return Int32Array.from(values as ArrayLike<number>);
  return Uint8Array.from(values as ArrayLike<number>);
}

function element(dtype: tf.DataType): DType {
  if (dtype === "float32" || dtype === "int32" || dtype === "bool") return dtype;
  throw new EngineError(`tensors of ${dtype} cannot be traced`);
}
