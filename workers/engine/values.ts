// Checks between plain arrays and the tensors a step declares.
import { EngineError } from "./errors.ts";
import { sizeOf } from "./graph.ts";
import type { Program, Specs, Step, TensorSpec, Values } from "./types.ts";

/** The step's entries must not share a name: `apply` gets them, and returns them, in one record. */
export function checkStep(step: Step): void {
  const inputs = [step.state, step.constants, step.batch].flatMap(Object.keys);
  const results = [step.state, step.outputs].flatMap(Object.keys);
  for (const names of [inputs, results]) {
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice) throw new EngineError(`${step.name}: two entries are called "${twice}"`);
  }
}

/** Each declared entry must be there, with the right type and `slices` times its size. */
export function checkValues(step: Step, kind: string, specs: Specs, values: Values, slices = 1): void {
  for (const [name, spec] of Object.entries(specs)) {
    const given = values[name];
    const expected = `${slices === 1 ? "" : `${slices} x `}${spec.dtype}[${spec.shape}]`;
    if (!given) throw new EngineError(`${step.name}: ${kind} "${name}" is missing (${expected})`);
    const dtype = given instanceof Int32Array ? "int32" : "float32";
    if (dtype !== spec.dtype || given.length !== slices * sizeOf(spec.shape)) {
      throw new EngineError(`${step.name}: ${kind} "${name}" is ${dtype}[${given.length}], expected ${expected}`);
    }
  }
}

/** What `apply` returned must be what the step declares. */
export function checkResults(
  step: Step,
  results: Readonly<Record<string, { shape: readonly number[]; dtype: string }>>,
) {
  for (const [name, spec] of Object.entries({ ...step.state, ...step.outputs })) {
    const result = results[name];
    if (!result) throw new EngineError(`${step.name}: "${name}" is not among its results`);
    if (result.dtype !== spec.dtype || result.shape.join() !== spec.shape.join()) {
      const declared = `${spec.dtype}[${spec.shape}]`;
      throw new EngineError(`${step.name}: "${name}" came out as ${result.dtype}[${result.shape}], not ${declared}`);
    }
  }
}

export function emptyArray({ dtype, shape }: TensorSpec, slices = 1): Float32Array | Int32Array {
  const length = slices * sizeOf(shape);
  return dtype === "int32" ? new Int32Array(length) : new Float32Array(length);
}

/** Those of the names, all of them unless any are given. */
export function named(specs: Specs, names?: readonly string[]): Specs {
  if (!names) return specs;
  return Object.fromEntries(Object.entries(specs).filter(([name]) => names.includes(name)));
}

/** `Program.adoptState` through the host's memory. */
export async function adoptThroughHost(program: Program, step: Step, source: Program): Promise<void> {
  const given = await source.state(Object.keys(step.state));
  const kept = Object.keys(step.state).filter((name) => !given[name]);
  await program.setState({ ...(kept.length > 0 ? await program.state(kept) : {}), ...given });
}
