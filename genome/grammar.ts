// The grammar of one search: which operators and options may stand at which position, at one shape of model.
import { GenomeError } from "./errors.ts";
import { type OperatorName, paletteEntry, resolveOptions } from "./palette/index.ts";
import type { SearchConfig } from "./space.ts";
import type { ModelShape, Options, OptionValue } from "./types.ts";

export interface Grammar {
  /** Number of positions; the most, where `minDepth` is less. */
  readonly depth: number;
  /** The least number of positions; absent: `depth`. */
  readonly minDepth?: number;
  readonly operators: readonly OperatorName[];
  /** `pairs`: sequence mixers at even positions (from 0), channel mixers at odd ones. */
  readonly layout: "free" | "pairs";
  readonly shape: ModelShape;
  /** Whether positions may share featurizers and features; absent: they may not. */
  readonly sharing?: boolean;
  /** A factor on each position's mutation rate, repeated from its start where it is too short; absent: 1. */
  readonly mutability?: readonly number[];
}

/** The grammar of a search's space at one shape of model. */
export function grammarOf(space: SearchConfig["space"], shape: ModelShape): Grammar {
  const { depth, minDepth, operators, layout, sharing, mutability } = space;
  return {
    ...{ depth, operators: [...new Set(operators)], layout, shape, sharing },
    ...(minDepth !== null && { minDepth }),
    ...(mutability !== null && { mutability }),
  };
}

export function leastDepth({ depth, minDepth }: Grammar): number {
  return Math.min(depth, minDepth ?? depth);
}

/** Throws a GenomeError where some position has no operator that works at the grammar's shape. */
export function checkGrammar(grammar: Grammar): void {
  for (let position = 0; position < Math.min(grammar.depth, 2); position++) {
    if (operatorsAt(grammar, position).length > 0) continue;
    const { width, length } = grammar.shape;
    const kind = grammar.layout === "pairs" ? `${mixesAt(position)} mixer` : "operator";
    const allowed = grammar.operators.join(", ") || "none";
    throw new GenomeError(
      `segment ${position + 1}: no ${kind} of this search fits width ${width} and length ${length} (allowed: ${allowed})`,
      "/space/operators",
    );
  }
}

/** The operators that may stand at a position and have options that fit the shape. */
export function operatorsAt(grammar: Grammar, position: number): readonly OperatorName[] {
  let columns = columnsOf.get(grammar);
  if (columns === undefined) {
    columns = [listOperators(grammar, "sequence"), listOperators(grammar, "channel")];
    columnsOf.set(grammar, columns);
  }
  return columns[position % 2]!;
}

/**
 * The allowed options nearest to the wanted ones: unknown names dropped, missing and unknown values replaced by the
 * default, then the smallest changes that leave no conflict with the shape.
 * Every default filled in; null where no options fit the shape.
 */
export function fitOptions(name: OperatorName, wanted: Options, shape: ModelShape): Options | null {
  const entry = paletteEntry(name);
  const start = resolveOptions(name);
  const options: Record<string, OptionValue> = { ...start };
  for (const [option, allowed] of Object.entries(entry.options)) {
    const value = Object.hasOwn(wanted, option) ? wanted[option] : undefined;
    if (value !== undefined && allowed.includes(value)) options[option] = value;
  }
  if (entry.conflict(options, shape) === null) return options;

  let best: { options: Options; distance: number } | null = null;
  for (const candidate of choicesOf(name)) {
    const distance = distanceBetween(entry.options, options, candidate);
    if ((best === null || distance < best.distance) && entry.conflict(candidate, shape) === null) {
      best = { options: candidate, distance };
    }
  }
  return best?.options ?? null;
}

/** What `operatorsAt` answers for even and odd positions; a grammar never changes. */
const columnsOf = new WeakMap<Grammar, [OperatorName[], OperatorName[]]>();

function listOperators(grammar: Grammar, mixes: "sequence" | "channel"): OperatorName[] {
  return grammar.operators.filter((name) => {
    if (grammar.layout === "pairs" && paletteEntry(name).mixes !== mixes) return false;
    return fitOptions(name, {}, grammar.shape) !== null;
  });
}

function mixesAt(position: number): "sequence" | "channel" {
  return position % 2 === 0 ? "sequence" : "channel";
}

/** Each changed option counts one, and so does each step along the list of its values. */
function distanceBetween(
  grammar: Readonly<Record<string, readonly OptionValue[]>>,
  from: Options,
  to: Options,
): number {
  let distance = 0;
  for (const [option, allowed] of Object.entries(grammar)) {
    if (from[option] === to[option]) continue;
    distance += 1 + Math.abs(allowed.indexOf(from[option]!) - allowed.indexOf(to[option]!));
  }
  return distance;
}

const choices = new Map<OperatorName, readonly Options[]>();

/** Every combination of an operator's options. */
function choicesOf(name: OperatorName): readonly Options[] {
  let known = choices.get(name);
  if (known === undefined) {
    known = combine(Object.entries(paletteEntry(name).options));
    choices.set(name, known);
  }
  return known;
}

function combine(grammar: readonly (readonly [string, readonly OptionValue[]])[]): Options[] {
  const [first, ...rest] = grammar;
  if (first === undefined) return [{}];
  const [name, allowed] = first;
  return combine(rest).flatMap((others) => allowed.map((value) => ({ [name]: value, ...others })));
}
