// Reads a kernel in Triton's intermediate language and runs it over its grid on plain arrays.
//
// It knows the operations that `KernelWriter` writes and no others. Every line must match its operation's whole
// notation with types and shapes that Triton accepts: tiles of powers of two, no access outside of an array that a mask
// lets through, no offset beyond int32, nothing read that another program wrote, nothing written twice unless with the
// same number. Values are computed in double precision and rounded to their type; bf16 halves to even.
import type { TritonKernel } from "../../../../../workers/engine/stablehlo/kernels/triton.ts";
import { type Numbers, require, sizeOf, stored } from "../interpreter.ts";
import { operations } from "./operations.ts";

type Scalar = "f32" | "bf16" | "i32" | "i1";
export type ElementType = Scalar | `ptr<${"f32" | "bf16"}>`;
/** A tile, or a scalar where the shape is empty. */
export interface Type {
  readonly element: ElementType;
  readonly shape: readonly number[];
}

/** An array in the device's memory, and which program wrote each element: 0 none, else its number from 1. */
export interface Memory {
  readonly name: string;
  readonly data: Float32Array;
  readonly writers: Int32Array;
}
/** What a pointer tile holds. */
export interface Addresses {
  readonly memory: Memory;
  readonly offsets: Int32Array;
}
export type Cells = Numbers | Addresses;

/** The program that runs: its place in the grid, and its number from 1. */
export interface Program {
  readonly place: readonly [number, number, number];
  readonly number: number;
}
/** Of operands to the elements of the result; undefined for an operation without one. */
export type Evaluate = (operands: readonly Cells[], program: Program) => ArrayLike<number> | Addresses | undefined;

type Run = (cells: Cells[], program: Program) => void;
interface Variable extends Type {
  readonly slot: number;
}
interface Parameter extends Variable {
  readonly name: string;
}
/** Names that may be used here, and how many slots the kernel takes so far. */
interface Scope {
  readonly names: Map<string, Variable>;
  readonly slots: { count: number };
}

/** Runs the kernel; its arrays, in the order of its parameters, are changed where it stores. bf16 arrays hold bf16 values. */
export function runKernel(kernel: TritonKernel, arrays: readonly Float32Array[]): void {
  readKernel(kernel)(arrays);
}

/** Reads the kernel once, to be run many times. */
export function readKernel(
  kernel: Pick<TritonKernel, "name" | "text" | "grid">,
): (arrays: readonly Float32Array[]) => void {
  const lines = new Lines(kernel.text);
  lines.expect(/^module \{$/);
  const [, name, list = ""] = lines.expect(/^tt\.func public @(\w+)\((.*)\) attributes \{noinline = false\} \{$/);
  require(name === kernel.name, `the function is called ${name}, the kernel ${kernel.name}`);
  const scope: Scope = { names: new Map(), slots: { count: 0 } };
  const parameters = list.split(", ").map((parameter): Parameter => {
    const [, name = "", type = ""] = matched(/^(%\w+): (\S+) \{tt\.divisibility = 16 : i32\}$/, parameter);
    return { ...define(scope, name, typeOf(type)), name };
  });
  const body = block(lines, scope);
  for (const end of [/^tt\.return$/, /^\}$/, /^\}$/]) lines.expect(end);
  require(lines.isEnd(), "text after the module");

  return (arrays) => {
    require(arrays.length === parameters.length, `${arrays.length} arrays for ${parameters.length} parameters`);
    const cells = Array<Cells>(scope.slots.count);
    for (const [i, parameter] of parameters.entries())
      cells[parameter.slot] = bound(parameter, arrays[i] as Float32Array);
    let number = 0;
    const [width, height, depth] = kernel.grid;
    for (let z = 0; z < depth; z++)
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) body(cells, { place: [x, y, z], number: ++number });
  };
}

function bound({ name, element }: Parameter, data: Float32Array): Addresses {
  const kept = stored({ element: pointee(element), shape: [data.length] }, data);
  require(data.every((value, i) => Object.is(value, kept[i])), `${name} holds values that are not ${pointee(element)}`);
  return { memory: { name, data, writers: new Int32Array(data.length) }, offsets: Int32Array.of(0) };
}

/** Statements up to the end of a block, as one function. */
function block(lines: Lines, scope: Scope): Run {
  const runs: Run[] = [];
  while (/^%|^tt\.store /.test(lines.peek())) runs.push(statement(lines, scope));
  return (cells, program) => {
    for (const run of runs) run(cells, program);
  };
}

function statement(lines: Lines, scope: Scope): Run {
  const text = lines.next();
  try {
    const [, name, count, rest = ""] = matched(/^(?:(%\w+)(?::(\d+))? = )?(.*)$/, text);
    if (rest.startsWith("scf.for")) return forLoop(lines, scope, name ?? "", Number(count), rest);
    return operation(scope, name, rest.endsWith("({") ? `${rest} ${lines.upTo("}) :")}` : rest);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n  in: ${text}`);
  }
}

function operation(scope: Scope, name: string | undefined, text: string): Run {
  const [, dialect = "", word = ""] = matched(/^"?(\w+)\.(\w+)/, text);
  const known = operations[`${dialect}.${word}`];
  require(known !== undefined, `no operation "${dialect}.${word}"`);
  const { groups = {} } = matched(known.notation, text);
  const operands = (groups.operands ?? "")
    .split(", ")
    .filter(Boolean)
    .map((operand) => lookUp(scope, operand));
  const { result, evaluate } = known.check(operands, groups);
  require((name === undefined) === (result === undefined), "a result without a name, or a name without a result");
  const slot = name !== undefined && result ? define(scope, name, result).slot : undefined;
  return (cells, program) => {
    const values = evaluate(
      operands.map((operand) => cells[operand.slot] as Cells),
      program,
    );
    if (slot !== undefined && values && result) cells[slot] = kept(result, values);
  };
}

/** Rounded to the type; int32 must not overflow. */
function kept({ element, shape }: Type, values: ArrayLike<number> | Addresses): Cells {
  if ("memory" in values) return values;
  if (element === "i32") {
    for (let i = 0; i < values.length; i++) {
      require(Math.abs(values[i] as number) < 2 ** 31, `${values[i]} is beyond int32`);
    }
  }
  return stored({ element: element as Scalar, shape }, values);
}

function forLoop(lines: Lines, scope: Scope, name: string, count: number, text: string): Run {
  const form = /^scf\.for (%\w+) = (%\w+) to (%\w+) step (%\w+) iter_args\((.*)\) -> \((.*)\) : i32 \{$/;
  const [, index = "", from = "", to = "", step = "", list = "", written = ""] = matched(form, text);
  const bounds = [from, to, step].map((bound) => lookUp(scope, bound));
  for (const bound of bounds) agree(bound, { element: "i32", shape: [] });
  const types = written.split(", ").map(typeOf);
  const pairs = list.split(", ").map((pair) => matched(/^(%\w+) = (%\w+(?:#\d+)?)$/, pair));
  require(pairs.length === count && types.length === count, `${pairs.length} values for ${count} results`);
  const initial = pairs.map(([, , operand = ""], i) => {
    const found = lookUp(scope, operand);
    agree(found, types[i] as Type);
    return found.slot;
  });
  const inner: Scope = { ...scope, names: new Map(scope.names) };
  const counter = define(inner, index, { element: "i32", shape: [] }).slot;
  const carried = pairs.map(([, argument = ""], i) => define(inner, argument, types[i] as Type).slot);
  const body = block(lines, inner);
  const [, yielded = "", yieldedTypes = ""] = lines.expect(/^scf\.yield (.*) : (.*)$/);
  require(yieldedTypes === written, `the loop yields ${yieldedTypes} and declares ${written}`);
  const next = yielded.split(", ").map((operand, i) => {
    const found = lookUp(inner, operand);
    agree(found, types[i] as Type);
    return found.slot;
  });
  require(next.length === count, `the loop yields ${next.length} values for ${count}`);
  lines.expect(/^\}$/);
  const results = types.map((type, i) => define(scope, `${name}#${i}`, type).slot);
  return (cells, program) => {
    const [low, high, stride] = bounds.map(({ slot }) => (cells[slot] as Numbers)[0] as number) as [
      number,
      number,
      number,
    ];
    require(stride > 0, `a loop's step is ${stride}`);
    let now = initial.map((slot) => cells[slot] as Cells);
    for (let at = low; at < high; at += stride) {
      cells[counter] = Int32Array.of(at);
      carried.forEach((slot, i) => {
        cells[slot] = now[i] as Cells;
      });
      body(cells, program);
      now = next.map((slot) => cells[slot] as Cells);
    }
    results.forEach((slot, i) => {
      cells[slot] = now[i] as Cells;
    });
  };
}

class Lines {
  readonly #lines: string[];
  #at = 0;

  constructor(text: string) {
    this.#lines = text.split("\n").filter(Boolean);
  }
  peek(): string {
    return this.#lines[this.#at] ?? "the end";
  }
  next(): string {
    return this.#lines[this.#at++] ?? "the end";
  }
  isEnd(): boolean {
    return this.#at === this.#lines.length;
  }
  expect(pattern: RegExp): RegExpMatchArray {
    return matched(pattern, this.next());
  }
  upTo(start: string): string {
    const first = this.#at;
    while (!this.isEnd() && !this.next().startsWith(start));
    return this.#lines.slice(first, this.#at).join(" ");
  }
}

export function typeOf(text: string): Type {
  const [, sizes, tile, scalar] = matched(/^(?:tensor<((?:\d+x)+)(\S+)>|(\S+))$/, text);
  const shape = (sizes ?? "").split("x").filter(Boolean).map(Number);
  const [, pointed, plain] = matched(/^(?:!tt\.ptr<(f32|bf16)>|(f32|bf16|i32|i1))$/, tile ?? scalar ?? "");
  for (const size of shape) require(Number.isInteger(Math.log2(size)), `${text}: ${size} is no power of two`);
  require(sizeOf(shape) <= 2 ** 20, `${text} has more than 1,048,576 elements`);
  return { element: pointed ? `ptr<${pointed as "f32" | "bf16"}>` : (plain as Scalar), shape };
}

/** The element that a pointer points to. */
export function pointee(element: ElementType): "f32" | "bf16" {
  const [, pointed] = matched(/^ptr<(f32|bf16)>$/, element);
  return pointed as "f32" | "bf16";
}

export function agree(found: Type, expected: Type): void {
  require(show(found) === show(expected), `${show(found)} where ${show(expected)} is expected`);
}

function show({ element, shape }: Type): string {
  return shape.length === 0 ? element : `tensor<${[...shape, element].join("x")}>`;
}

function matched(pattern: RegExp, text: string): RegExpMatchArray {
  const match = text.match(pattern);
  if (!match) throw new Error(`not of the form ${pattern}: ${text}`);
  return match;
}

function define({ names, slots }: Scope, name: string, type: Type): Variable {
  require(!names.has(name), `${name} is defined twice`);
  const variable = { ...type, slot: slots.count++ };
  names.set(name, variable);
  return variable;
}

function lookUp({ names }: Scope, name: string): Variable {
  const variable = names.get(name);
  if (!variable) throw new Error(`${name} is not defined`);
  return variable;
}
