// The architectures that engines and their peers are measured on: two pairs of a sequence mixer and SwiGLU.
import { fitOptions, type Genome, type OperatorName, operatorNames, paletteEntry } from "../../genome/index.ts";

/** The sequence mixers by name; `bench/peers` knows the same names. */
export const architectures = {
  "mh-attention+swiglu": ["attention", "attention"],
  "hyena+swiglu": ["hyena", "hyena"],
  "mh-linear-attention+swiglu": ["linear-attention", "linear-attention"],
  "mamba+swiglu": ["mamba", "mamba"],
  "s4d+swiglu": ["s4d", "s4d"],
  "striped hyena/attention+swiglu": ["hyena", "attention"],
} satisfies Record<string, readonly [OperatorName, OperatorName]>;

export const architectureNames = Object.keys(architectures);

export interface Shape {
  readonly width: number;
  readonly length: number;
  readonly vocabulary: number;
}

/**
 * The genome of an architecture's name, or of an operator's, which then mixes in both pairs; options are the defaults
 * nearest to what fits the shape.
 *
 * @throws RangeError where neither is called so, or the operator fits no model of this shape.
 */
export function genomeOf(name: string, shape: Shape): Genome {
  const [first, second] = mixersOf(name);
  return {
    segments: [first, "swiglu" as const, second, "swiglu" as const].map((operator) => segment(operator, shape)),
  };
}

function mixersOf(name: string): readonly [OperatorName, OperatorName] {
  const known: Readonly<Record<string, readonly [OperatorName, OperatorName]>> = architectures;
  const operator = operatorNames.find((other) => other === name);
  const mixers = operator ? ([operator, operator] as const) : known[name];
  if (mixers) return mixers;
  throw new RangeError(
    `there is no architecture "${name}"; there are ${architectureNames.join(", ")}, or any operator`,
  );
}

function segment(operator: OperatorName, shape: Shape) {
  const options = fitOptions(operator, {}, shape);
  if (!options) throw new RangeError(`${operator} has no options for width ${shape.width} and length ${shape.length}`);
  const ungrouped = { featurizerGroup: 1, featurizerStrategy: 1, featureGroup: 1, featureStrategy: 1 };
  return { liv: paletteEntry(operator).liv, ...ungrouped, options };
}
