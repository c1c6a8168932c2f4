// A genome as a person sees it: positions with their operators, read from the text form with the genome's own code.
import {
  type Costs,
  type ModelShape,
  type OperatorName,
  type OptionValue,
  operatorOfSegment,
  paletteEntry,
  parseGenome,
  resolveOptions,
  segmentCosts,
} from "../genome/index.ts";
import { humanize } from "./format.ts";

export interface Position {
  /** From 0, input first. */
  readonly index: number;
  readonly operator: OperatorName;
  readonly title: string;
  /** Two letters for small drawings. */
  readonly sign: string;
  readonly family: Family;
  readonly mixes: "sequence" | "channel";
  readonly options: readonly PositionOption[];
}

export interface PositionOption {
  readonly name: string;
  readonly value: OptionValue;
  readonly isDefault: boolean;
}

/** Decides the colour: how an operator moves information. */
export type Family = "attention" | "linear" | "recurrence" | "convolution" | "sequence" | "channel";

const families: Partial<Record<OperatorName, Family>> = {
  attention: "attention",
  "sliding-attention": "attention",
  "linear-attention": "linear",
  mamba: "recurrence",
  s4d: "recurrence",
  "gated-short-convolution": "convolution",
  hyena: "convolution",
};

const remembered = new Map<string, readonly Position[] | null>();

/** Null where the text is not a genome that this dashboard can read. */
export function positionsOf(genome: string): readonly Position[] | null {
  const known = remembered.get(genome);
  if (known !== undefined) return known;
  const read = readPositions(genome);
  if (remembered.size > 5_000) remembered.clear();
  remembered.set(genome, read);
  return read;
}

function readPositions(text: string): Position[] | null {
  try {
    return parseGenome(text).segments.map((segment, index) => {
      const operator = operatorOfSegment(segment, index);
      const { title, mixes, defaults } = paletteEntry(operator);
      const options = Object.entries(resolveOptions(operator, segment.options)).map(([name, value]) => ({
        name,
        value,
        isDefault: defaults[name] === value,
      }));
      return { index, operator, title, sign: signOf(operator), family: families[operator] ?? mixes, mixes, options };
    });
  } catch {
    return null;
  }
}

/** gated-short-convolution -> GS, mamba -> Ma. */
export function signOf(operator: string): string {
  const [first = "", second] = operator.split("-");
  const sign = second ? `${first.charAt(0)}${second.charAt(0)}`.toUpperCase() : first.slice(0, 2);
  return sign.charAt(0).toUpperCase() + sign.slice(1);
}

/** "heads 16, rotary" reads better than "heads=16, rotary=true"; what is absent (false, 0) is not named. */
export function describeOptions(options: readonly PositionOption[]): string {
  return options
    .flatMap(({ name, value }) => {
      if (value === true) return [humanize(name).toLowerCase()];
      if (value === false || value === 0) return [];
      return [`${humanize(name).toLowerCase()} ${value}`];
    })
    .join(", ");
}

/** Costs of each position, exact, at any context length; null where the genome cannot be read. */
export function costsOf(genome: string, shape: ModelShape, contextLength: number): readonly Costs[] | null {
  try {
    return segmentCosts(parseGenome(genome, shape), shape, contextLength);
  } catch {
    return null;
  }
}
