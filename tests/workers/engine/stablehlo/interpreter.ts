// Reads the StableHLO text that the engine prints and runs it on plain arrays.
//
// It knows the operations printed and no others. Every line must match its operation's whole notation, and types and
// shapes must be what the specification says, so that a wrong line fails here and not on a device. Values are computed
// in double precision and rounded to their type; bf16 halves to even.
import { customCall } from "./custom-call.ts";
import { operations } from "./operations.ts";

export type ElementType = "f32" | "bf16" | "i32" | "i1";
export interface Type {
  readonly shape: readonly number[];
  readonly element: ElementType;
}
export type Numbers = Float32Array | Int32Array | Uint8Array;
export type Evaluate = (...operands: Numbers[]) => ArrayLike<number>;
type Values = Map<string, Numbers>;
type Run = (values: Values) => void;
type Scope = Map<string, Type>;

export interface Interpreted {
  /** Argument i gives its memory to result `aliases[i]`. */
  readonly aliases: readonly (number | undefined)[];
  readonly parameters: readonly Type[];
  run(given: readonly Numbers[]): Numbers[];
}

export function interpret(text: string): Interpreted {
  const lines = new Lines(text);
  lines.expect(/^module @\w+ \{$/);
  const [, list = "", returned = ""] = lines.expect(/^func\.func public @main\((.*)\) -> \((.*)\) \{$/);
  const scope: Scope = new Map();
  const parameters: Type[] = [];
  const aliases: (number | undefined)[] = [];
  for (const parameter of splitTop(list)) {
    const [, name = "", type = "", alias] = matched(
      /^(%\w+): (tensor<.*?>)(?: \{tf\.aliasing_output = (\d+) : i32\})?$/,
      parameter,
    );
    define(scope, name, typeOf(type));
    parameters.push(typeOf(type));
    aliases.push(alias === undefined ? undefined : Number(alias));
  }
  const body = block(lines, scope);
  const [, names = "", types = ""] = lines.expect(/^return (.*) : (.*)$/);
  const results = operandsOf(scope, splitTop(names), splitTop(types).map(typeOf));
  require(splitTop(returned).join() === splitTop(types).join(), `returned ${types}, declared ${returned}`);
  aliases.forEach((alias, i) => {
    if (alias === undefined) return;
    const type = splitTop(types)[alias];
    require(type !== undefined &&
      same(typeOf(type), parameters[i] as Type), `argument ${i} does not fit result ${alias}`);
  });
  lines.expect(/^\}$/);
  lines.expect(/^\}$/);
  require(lines.isEnd(), "text after the module");
  const order = [...scope.keys()].slice(0, parameters.length);
  return {
    aliases,
    parameters,
    run(given) {
      const values: Values = new Map(order.map((name, i) => [name, given[i] as Numbers]));
      given.forEach((array, i) => {
        require(array.length === sizeOf((parameters[i] as Type).shape), `argument ${i} has ${array.length} elements`);
      });
      body(values);
      return results.map((name) => values.get(name) as Numbers);
    },
  };
}

/** Statements up to a `return` or the end of a block, as one function. */
function block(lines: Lines, scope: Scope): Run {
  const runs: Run[] = [];
  while (/^%/.test(lines.peek())) runs.push(statement(lines, scope));
  return (values) => {
    for (const run of runs) run(values);
  };
}

function statement(lines: Lines, scope: Scope): Run {
  const [, name = "", count, text = ""] = lines.expect(/^(%\w+)(?::(\d+))? = (.*)$/);
  if (text.startsWith("stablehlo.while(")) return whileLoop(lines, scope, name, Number(count), text);
  if (text.startsWith('"stablehlo.custom_call"')) return callOf(scope, name, count, text);
  require(count === undefined, `${name}: only a loop and a call have several results`);
  const full = text.endsWith("({") ? `${text}${lines.upTo(/^\}\) :/)}` : text;
  const [, operation = ""] = matched(/^"?stablehlo\.(\w+)"?/, full);
  const known = operations[operation];
  if (!known) throw new Error(`no operation "${operation}": ${full}`);
  const [, head = "", signature = ""] = matched(/^(.*) : (.*)$/, full);
  const match = matched(known.notation, head);
  const names = (match.groups?.operands ?? "").split(/, | init: /).filter(Boolean);
  const split = signature.split(" -> ");
  const written = splitTop((split.length === 2 ? split[0]?.slice(1, -1) : split[0]) ?? "").map(typeOf);
  const declared = names.map((operand) => lookUp(scope, operand));
  const isShort = split.length === 1;
  require(known.signature ===
    (isShort ? (operation === "select" ? "select" : "one") : "function"), `wrong form of types: ${full}`);
  const result = typeOf(
    split.length === 2 ? (split[1] ?? "") : (signature.split(", t").at(-1) ?? "").replace(/^ensor/, "tensor"),
  );
  const expected =
    known.signature === "function"
      ? written
      : known.signature === "select"
        ? [written[0] as Type, result, result]
        : names.map(() => result);
  require(expected.length === declared.length, `${expected.length} types for ${declared.length} operands: ${full}`);
  declared.forEach((type, i) => {
    require(same(type, expected[i] as Type), `${names[i]} is ${show(type)}, not ${show(expected[i] as Type)}: ${full}`);
  });
  let evaluate: Evaluate;
  try {
    evaluate = known.check(declared, result, match.groups ?? {});
  } catch (error) {
    throw new Error(`${(error as Error).message}: ${full}`);
  }
  define(scope, name, result);
  return (values) => {
    const operands = names.map((operand) => values.get(operand) as Numbers);
    values.set(name, stored(result, evaluate(...operands)));
  };
}

function callOf(scope: Scope, name: string, count: string | undefined, text: string): Run {
  const { operands, operandTypes, resultTypes, run } = customCall(text);
  operandsOf(scope, operands, operandTypes);
  require((count ?? "1") === String(resultTypes.length), `${name}: ${resultTypes.length} results`);
  const names = count === undefined ? [name] : resultTypes.map((_, i) => `${name}#${i}`);
  names.forEach((result, i) => {
    define(scope, result, resultTypes[i] as Type);
  });
  return (values) => {
    const results = run(operands.map((operand) => values.get(operand) as Numbers));
    names.forEach((result, i) => {
      values.set(result, stored(resultTypes[i] as Type, results[i] as Numbers));
    });
  };
}

function whileLoop(lines: Lines, scope: Scope, name: string, count: number, text: string): Run {
  const [, list = "", signature = ""] = matched(/^stablehlo\.while\((.*)\) : (.*)$/, text);
  const types = splitTop(signature).map(typeOf);
  const pairs = splitTop(list).map((pair) => matched(/^(%\w+) = (%\w+(?:#\d+)?)$/, pair));
  require(pairs.length === count && types.length === count, `${name}: ${pairs.length} values for ${count} results`);
  const initial = operandsOf(
    scope,
    pairs.map((pair) => pair[2] ?? ""),
    types,
  );
  const carried = pairs.map((pair) => pair[1] ?? "");
  const inner = (): Scope => {
    const own = new Map(scope);
    carried.forEach((value, i) => {
      define(own, value, types[i] as Type);
    });
    return own;
  };
  const returns = (own: Scope, expected: readonly Type[]) => {
    const [, values = "", written = ""] = lines.expect(/^stablehlo\.return (.*) : (.*)$/);
    const found = splitTop(written).map(typeOf);
    require(found.length === expected.length &&
      found.every((type, i) => same(type, expected[i] as Type)), `loop returns ${written}`);
    return operandsOf(own, splitTop(values), found);
  };
  lines.expect(/^cond \{$/);
  const conditionScope = inner();
  const condition = block(lines, conditionScope);
  const [isOn = ""] = returns(conditionScope, [{ shape: [], element: "i1" }]);
  lines.expect(/^\} do \{$/);
  const bodyScope = inner();
  const body = block(lines, bodyScope);
  const next = returns(bodyScope, types);
  lines.expect(/^\}$/);
  types.forEach((type, i) => {
    define(scope, `${name}#${i}`, type);
  });
  return (values) => {
    const now = initial.map((operand) => values.get(operand) as Numbers);
    for (;;) {
      const own: Values = new Map(values);
      carried.forEach((value, i) => {
        own.set(value, now[i] as Numbers);
      });
      condition(own);
      if (!own.get(isOn)?.[0]) break;
      body(own);
      next.forEach((value, i) => {
        now[i] = own.get(value) as Numbers;
      });
    }
    now.forEach((value, i) => {
      values.set(`${name}#${i}`, value);
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
    return this.#lines[this.#at] ?? "";
  }
  isEnd(): boolean {
    return this.#at === this.#lines.length;
  }
  expect(pattern: RegExp): RegExpMatchArray {
    return matched(pattern, this.#lines[this.#at++] ?? "the end");
  }
  upTo(pattern: RegExp): string {
    const start = this.#at;
    while (!pattern.test(this.peek())) this.#at++;
    this.#at++;
    return this.#lines.slice(start, this.#at).join(" ");
  }
}

const tables = { f32: Float32Array, bf16: Float32Array, i32: Int32Array, i1: Uint8Array };

export function stored({ shape, element }: Type, values: ArrayLike<number>): Numbers {
  require(values.length === sizeOf(shape), `${values.length} values for ${show({ shape, element })}`);
  const array = tables[element].from(values);
  if (element !== "bf16") return array;
  const bits = new Uint32Array(array.buffer);
  for (const [i, single] of bits.entries()) {
    if (!Number.isNaN(array[i])) bits[i] = ((single + 0x7fff + ((single >>> 16) & 1)) & 0xffff0000) >>> 0;
  }
  return array;
}

export function typeOf(text: string): Type {
  const [, sizes = "", element = ""] = matched(/^tensor<((?:\d+x)*)(f32|bf16|i32|i1)>$/, text.trim());
  return { shape: sizes.split("x").filter(Boolean).map(Number), element: element as ElementType };
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function same(a: Type, b: Type): boolean {
  return a.element === b.element && a.shape.join() === b.shape.join();
}

export function show({ shape, element }: Type): string {
  return `tensor<${[...shape, element].join("x")}>`;
}

export function require(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

export function matched(pattern: RegExp, text: string): RegExpMatchArray {
  const match = text.match(pattern);
  if (!match) throw new Error(`not of the form ${pattern}: ${text}`);
  return match;
}

function define(scope: Scope, name: string, type: Type): void {
  require(!scope.has(name), `${name} is defined twice`);
  scope.set(name, type);
}

function lookUp(scope: Scope, name: string): Type {
  const type = scope.get(name);
  if (!type) throw new Error(`${name} is not defined`);
  return type;
}

function operandsOf(scope: Scope, names: readonly string[], types: readonly Type[]): readonly string[] {
  require(names.length === types.length, `${types.length} types for ${names.length} operands`);
  names.forEach((name, i) => {
    const [found, expected] = [lookUp(scope, name), types[i] as Type];
    require(same(found, expected), `${name} is ${show(found)}, not ${show(expected)}`);
  });
  return names;
}

export function splitTop(text: string): string[] {
  return text === "" ? [] : text.split(", ");
}
