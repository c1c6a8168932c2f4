// A step as a StableHLO module that runs it many times in one loop on the device.
import { EngineError, failure } from "../errors.ts";
import type { DType, Graph, Node, Value } from "../graph.ts";
import { bfloat16Values } from "../precision.ts";
import { trace } from "../trace.ts";
import type { Specs, Step, TensorSpec } from "../types.ts";
import { checkResults, checkStep } from "../values.ts";
import { type Composites, noComposites } from "./composites.ts";
import { type Lowering, lowerings } from "./lowerings.ts";
import { Block, type Operand } from "./module.ts";
import { type ElementType, elementTypes, tensorType } from "./types.ts";

/** "highest": float32 throughout. "float32": products as coarse as the device likes. "bfloat16": see `precision.ts`. */
export type Precision = "highest" | "float32" | "bfloat16";

export interface StableHloOptions {
  readonly precision: Precision;
  /** Most steps of one call: the first axis of batch entries and outputs. */
  readonly capacity: number;
  /** Steps of every call, at most the capacity. Without it an argument says how many, and the device looks each time. */
  readonly steps?: number;
  readonly composites?: Composites;
}

export interface StableHloProgram {
  readonly text: string;
  /** In order. A batch entry has `capacity` slices; the count is int32[]. */
  readonly arguments: readonly ProgramArgument[];
  /** In order. An output has `capacity` slices; those after the last step are zeros. */
  readonly results: readonly ProgramResult[];
  /** State that the step returns unchanged: an argument that keeps its memory, and no result. */
  readonly untouched: readonly string[];
}

export interface ProgramArgument {
  readonly name: string;
  readonly kind: "state" | "constants" | "batch" | "count";
  readonly spec: TensorSpec;
}

export interface ProgramResult {
  readonly name: string;
  readonly kind: "state" | "outputs";
  readonly spec: TensorSpec;
}

/**
 * `@main`(state, constants, batch entries [capacity, ...], count i32[]) -> (state, outputs [capacity, ...]), in the
 * order of the step's keys; the results take the memory of the state. Equal steps give equal text.
 */
export function stableHloProgram(step: Step, options: StableHloOptions): StableHloProgram {
  const { precision, capacity, steps, composites = noComposites } = options;
  if (steps !== undefined && steps > capacity) {
    throw new EngineError(`${step.name}: ${steps} steps do not fit a capacity of ${capacity}`);
  }
  const graph = graphOf(step, composites);
  const isUntouched = (name: string) => graph.outputs[name] === graph.inputs[name];
  const untouched = Object.keys(step.state).filter(isUntouched);
  const carried = Object.fromEntries(Object.entries(step.state).filter(([name]) => !isUntouched(name)));

  const count: Specs = steps === undefined ? { count: { shape: [], dtype: "int32" } } : {};
  const given: readonly ProgramArgument[] = [
    ...entries("state", step.state),
    ...entries("constants", step.constants),
    ...entries("batch", sliced(step.batch, capacity)),
    ...entries("count", count),
  ];
  const results: readonly ProgramResult[] = [
    ...entries("state", carried),
    ...entries("outputs", sliced(step.outputs, capacity)),
  ];

  const main = new Block();
  const operands = given.map(({ spec }, i): Operand => ({ ...typed(spec), id: `%arg${i}` }));
  const argument = (kind: ProgramArgument["kind"], name: string) =>
    operands[given.findIndex((entry) => entry.kind === kind && entry.name === name)] as Operand;
  const limit = steps === undefined ? (operands.at(-1) as Operand) : main.constant(steps, [], "i32");
  const initial = results.map(({ name, kind, spec }) =>
    kind === "state" ? argument("state", name) : main.constant(0, spec.shape, typed(spec).type),
  );
  const kept = precision === "bfloat16" ? bfloat16Values(graph, Object.keys(step.batch)) : new Set<number>();

  const [, ...last] = main.while(
    [main.constant(0, [], "i32"), ...initial],
    (block, [round]) => block.compare("LT", round as Operand, limit),
    (block, [index, ...values]) => {
      const round = index as Operand;
      const present = new Map<string, Operand>();
      for (const { name, kind } of given) present.set(name, argument(kind, name));
      for (const [i, { name, kind }] of results.entries())
        if (kind === "state") present.set(name, values[i] as Operand);
      for (const name of Object.keys(step.batch)) present.set(name, block.sliceAt(argument("batch", name), round));
      const lowered = lower(graph, block, present, { kept, isExact: precision === "highest", composites });
      const next = results.map(({ name, kind, spec }, i) => {
        const value = block.as(lowered(name), elementTypes[spec.dtype]);
        return kind === "state" ? value : block.replaceAt(values[i] as Operand, round, value);
      });
      return [block.op("add", round, block.constant(1, [], "i32")), ...next];
    },
  );
  return { text: moduleText(main, given, results, last), arguments: given, results, untouched };
}

function graphOf(step: Step, { kernels }: Composites): Graph {
  checkStep(step);
  let graph: Graph;
  try {
    const inputs = { ...step.state, ...step.constants, ...step.batch };
    graph = trace(inputs, (tensors) => step.apply(tensors), { composites: kernels });
  } catch (error) {
    throw failure(step.name, "tracing failed", error);
  }
  checkResults(step, graph.outputs);
  return graph;
}

interface Lowered {
  readonly kept: ReadonlySet<number>;
  readonly isExact: boolean;
  readonly composites: Composites;
}

/** Appends the graph's nodes; returns an output's value. */
function lower(
  graph: Graph,
  block: Block,
  inputs: ReadonlyMap<string, Operand>,
  { kept, isExact, composites }: Lowered,
): (output: string) => Operand {
  const table = { ...composites.lowerings, ...lowerings } as Partial<Record<string, Lowering<never>>>;
  const values = new Map<number, Operand>();
  const operandOf = (value: Value | undefined) => values.get(value?.id ?? -1) as Operand;
  for (const [name, value] of Object.entries(graph.inputs)) values.set(value.id, inputs.get(name) as Operand);
  for (const node of graph.nodes) {
    const lowering = table[node.primitive];
    if (!lowering) throw new EngineError(`${node.primitive}: there is no lowering for this composite`);
    const { id, dtype } = node.output;
    const type = kept.has(id) ? "bf16" : elementTypes[dtype];
    values.set(id, checked(node, type, lowering(block, node.inputs.map(operandOf), node as never, { type, isExact })));
  }
  return (output) => operandOf(graph.outputs[output]);
}

/** A lowering that gives something else would only be noticed by the device's compiler, in terms of its own. */
function checked({ primitive, output }: Node, type: ElementType, result: Operand): Operand {
  const expected = tensorType({ shape: output.shape, type });
  if (tensorType(result) === expected) return result;
  throw new EngineError(`${primitive} was lowered to ${tensorType(result)}, expected ${expected}`);
}

function moduleText(
  main: Block,
  given: readonly ProgramArgument[],
  results: readonly ProgramResult[],
  last: readonly Operand[],
): string {
  const parameters = given.map(({ name, kind, spec }, i) => {
    const result = kind === "state" ? results.findIndex((entry) => entry.kind === "state" && entry.name === name) : -1;
    return `%arg${i}: ${tensorType(typed(spec))}${result < 0 ? "" : ` {tf.aliasing_output = ${result} : i32}`}`;
  });
  const types = last.map(tensorType).join(", ");
  return [
    "module @step {",
    `func.func public @main(${parameters.join(", ")}) -> (${types}) {`,
    ...main.lines,
    `return ${last.map(({ id }) => id).join(", ")} : ${types}`,
    "}",
    "}",
    "",
  ].join("\n");
}

function entries<Kind extends string>(kind: Kind, specs: Specs): { name: string; kind: Kind; spec: TensorSpec }[] {
  return Object.entries(specs).map(([name, spec]) => ({ name, kind, spec }));
}

function sliced(specs: Specs, capacity: number): Specs {
  const withSlices = ([name, { shape, dtype }]: [string, TensorSpec]) => [name, { shape: [capacity, ...shape], dtype }];
  return Object.fromEntries(Object.entries(specs).map(withSlices));
}

function typed({ shape, dtype }: { shape: readonly number[]; dtype: DType }) {
  return { shape, type: elementTypes[dtype] };
}
