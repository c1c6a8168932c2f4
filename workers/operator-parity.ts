// Runs one record of an operator through an engine: the output, intermediate values and all gradients, in float32.
import { differenceOf, type Tolerance } from "../operators/comparison.ts";
import { references } from "../operators/reference.ts";
import {
  type CaseConfig,
  type ReferenceAdapter,
  type ReferenceForward,
  type ReferenceRecord,
  type ReferenceVerdict,
  UnsupportedCase,
} from "../operators/reference-case.ts";
import { computedNames, runReference } from "../operators/run-reference.ts";
import { numbersOf, type StoredTensor } from "../operators/safetensors.ts";
import type { Engine, Specs, TensorSpec, Values } from "./engine/types.ts";

type Tensors = ReferenceRecord["tensors"];

/** For a record without one: what the published cases ask of float32. */
const usualTolerance: Tolerance = { rtol: 2e-4, atol: 2e-5 };

export async function compareOperator(record: ReferenceRecord, engine: Engine): Promise<ReferenceVerdict> {
  const adapter = references[record.system];
  if (!adapter) return unsupported(`The system "${record.system}" is not implemented.`);
  return compareForward(record, adapter, engine);
}

/** Of whatever has an input `x`, an output `y` and a cotangent `r`. */
export async function compareForward(
  record: ReferenceRecord,
  adapter: ReferenceAdapter,
  engine: Engine,
): Promise<ReferenceVerdict> {
  for (const name of ["x", "y", "r"]) {
    if (!record.tensors[name]) return unsupported(`Cases without the tensor "${name}" are not implemented.`);
  }
  try {
    const forward = adapter((record.description.config ?? {}) as CaseConfig);
    const compared = comparedTensors(record.tensors, forward);
    const computed = await compute(record, forward, compared, engine);
    return judge(computed, compared, readTolerance(record.description));
  } catch (error) {
    const reason = unsupportedReason(error);
    if (reason === null) throw error;
    return unsupported(reason);
  }
}

/** The output, the gradients, and those intermediate values that both sides have. */
function comparedTensors(tensors: Tensors, forward: ReferenceForward): Tensors {
  const isAlways = (name: string) => name === "y" || name.startsWith("grad.");
  const optional = Object.keys(tensors).some((name) => !isGiven(name) && !isAlways(name));
  const values = optional ? computedNames(forward, specsOf(pick(tensors, isGiven))) : [];
  return pick(tensors, (name) => isAlways(name) || values.includes(name));
}

async function compute(
  { system, case: name, tensors }: ReferenceRecord,
  forward: ReferenceForward,
  compared: Tensors,
  engine: Engine,
): Promise<Values> {
  const inputs = pick(tensors, isGiven);
  const program = await engine.compile(
    {
      name: `${system} ${name}`,
      state: {},
      constants: {},
      batch: specsOf(inputs),
      outputs: specsOf(compared),
      apply: (tensors) => runReference(forward, tensors, Object.keys(compared)),
    },
    { state: {}, constants: {} },
  );
  try {
    return await program.run(1, mapValues(inputs, valuesOf));
  } finally {
    await program.dispose();
  }
}

function judge(computed: Values, published: Tensors, tolerance: Tolerance): ReferenceVerdict {
  let maxErrorY = 0;
  let maxErrorGradients: number | null = null;
  const wrong: string[] = [];
  for (const [name, tensor] of Object.entries(published)) {
    const { error, isWithin } = differenceOf(computed[name] ?? [], numbersOf(tensor), tolerance);
    if (name.startsWith("grad.")) maxErrorGradients = Math.max(maxErrorGradients ?? 0, error);
    else maxErrorY = Math.max(maxErrorY, error);
    if (!isWithin) wrong.push(`${name} (${error.toExponential(1)})`);
  }
  return {
    verdict: wrong.length === 0 ? "pass" : "fail",
    maxErrorY,
    maxErrorGradients,
    detail: wrong.length === 0 ? "" : `Outside of the tolerance: ${wrong.join(", ")}.`,
  };
}

function readTolerance({ tolerance }: ReferenceRecord["description"]): Tolerance {
  const float32 = (tolerance as { float32?: Partial<Tolerance> } | undefined)?.float32;
  return { ...usualTolerance, ...float32 };
}

/** Inputs of the computation; everything else is a result or a note. */
function isGiven(name: string): boolean {
  return /^(x|r|(param|buffer)\..+)$/.test(name);
}

function pick(tensors: Tensors, isPicked: (name: string) => boolean): Tensors {
  return Object.fromEntries(Object.entries(tensors).filter(([name]) => isPicked(name)));
}

function specsOf(tensors: Tensors): Specs {
  return mapValues(tensors, specOf);
}

function mapValues<V, W>(record: Readonly<Record<string, V>>, change: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(value)]));
}

function specOf({ dtype, shape }: StoredTensor): TensorSpec {
  return { shape, dtype: dtype === "I64" || dtype === "I32" ? "int32" : "float32" };
}

function valuesOf(tensor: StoredTensor): Float32Array | Int32Array {
  const numbers = numbersOf(tensor);
  return specOf(tensor).dtype === "int32" ? Int32Array.from(numbers) : Float32Array.from(numbers);
}

function unsupported(detail: string): ReferenceVerdict {
  return { verdict: "unsupported", maxErrorY: null, maxErrorGradients: null, detail };
}

/** Engines wrap what a step throws. */
function unsupportedReason(error: unknown): string | null {
  if (error instanceof UnsupportedCase) return error.message;
  return error instanceof Error && error.cause ? unsupportedReason(error.cause) : null;
}
