// Compares how parameters start with statistics of one published draw: ranges and moments, for values are random.
import { Random } from "../../../genome/index.ts";
import { languageModel } from "../../../operators/backbones/language-model.ts";
import { norms } from "../../../operators/backbones/norms.ts";
import { depthwiseLayer, linearLayer, normal } from "../../../operators/initialize.ts";
import type { ReferenceRecord, ReferenceVerdict } from "../../../operators/reference-case.ts";
import { numbersOf } from "../../../operators/safetensors.ts";
import type { ParameterSpec } from "../../../operators/types.ts";
import { type Compared, unsupported, verdictOf } from "./comparison.ts";

interface Row {
  /** The module with its sizes, and the parameter: `linear_37_400.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
}

/** What we start the parameter of this module with; `#` stands for a size in the module's name. */
const modules: Readonly<
  Record<string, (sizes: readonly number[], shape: readonly number[]) => Record<string, ParameterSpec>>
> = {
  "linear_#_#": ([inputs = 0, outputs = 0]) => linearLayer("module", inputs, outputs, true),
  "conv#d_depthwise_k#": ([, taps = 0], [channels = 0]) => depthwiseLayer("module", channels, taps),
  embedding: (_, shape) => ({ "module.weight": normal(shape) }),
  layernorm: (_, [width = 0]) => prefixed(norms.layer.parameters(width)),
  mad_embedding: (_, [vocabulary = 0, width = 0]) => {
    const model = languageModel([], { width, vocabulary, length: 1 });
    const table = model.parameters.find(({ name }) => name === "token_embeds.weight");
    return table ? { "module.weight": table } : {};
  },
};

/** Deviations allowed to the difference of two means or spreads; a fair draw exceeds them once in 10^8 times. */
const deviations = 6;

export async function compareInitialization(record: ReferenceRecord): Promise<ReferenceVerdict> {
  const compared: Compared[] = [];
  for (const row of record.description.rows as readonly Row[]) {
    const published = record.tensors[`${row.name}.stats`];
    const spec = specOf(row);
    if (!spec || !published) return unsupported(`The start of "${row.name}" is not implemented.`);
    if (spec.shape.join() !== row.shape.join()) return unsupported(`"${row.name}" has shape [${spec.shape}] here.`);
    compared.push(...compareStatistics(row.name, spec, numbersOf(published)));
  }
  return verdictOf(compared);
}

function specOf({ name, shape }: Row): ParameterSpec | undefined {
  const [module = "", parameter = ""] = name.split(".");
  const entry = Object.entries(modules).find(([pattern]) => patternOf(pattern).test(module));
  if (!entry) return undefined;
  const sizes = (patternOf(entry[0]).exec(module) ?? []).slice(1).map(Number);
  return entry[1](sizes, shape)[`module.${parameter}`];
}

/** Minimum, maximum, mean, standard deviation and count of one draw of ours against theirs. */
function compareStatistics(name: string, spec: ParameterSpec, published: ArrayLike<number>): Compared[] {
  const values = spec.initialize(new Random(name), spec.shape);
  const [low = 0, high = 0, mean = 0, spread = 0, count = 1] = Array.from(published);
  const ours = statisticsOf(values);
  const error = (deviations * Math.SQRT2 * spread) / Math.sqrt(count);
  const isUniform = high - low < 4 * spread; // 3.5 deviations wide; a normal draw of some size is wider
  const edge = isUniform ? ((high - low) * 20) / count : 2 * spread;
  const within = (part: string, actual: number, expected: number, allowed: number): Compared => ({
    name: `${name} ${part}`,
    actual: [actual],
    published: [expected],
    tolerance: { rtol: 0, atol: allowed },
  });
  return [
    within("minimum", ours.low, low, edge),
    within("maximum", ours.high, high, edge),
    within("mean", ours.mean, mean, error),
    within("standard deviation", ours.spread, spread, error),
    within("count", values.length, count, 0),
  ];
}

function statisticsOf(values: Float32Array): { low: number; high: number; mean: number; spread: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  return { low, high, mean, spread: Math.sqrt(variance) };
}

function prefixed(parameters: Record<string, ParameterSpec>): Record<string, ParameterSpec> {
  return Object.fromEntries(Object.entries(parameters).map(([name, spec]) => [`module.${name}`, spec]));
}

function patternOf(module: string): RegExp {
  return new RegExp(`^${module.replaceAll("#", "(\\d+)")}$`);
}
