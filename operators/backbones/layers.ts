// What backbones are made of, and how they name and start their parameters.
import type * as tf from "@tensorflow/tfjs";
import { within } from "../parts.ts";
import type { Features, NamedParameter, ParameterSpec, Weights } from "../types.ts";
import { type NormName, normalizeSum, norms } from "./norms.ts";

/** One operator with its options and sizes filled in. */
export interface BackboneLayer {
  readonly parameters: Readonly<Record<string, ParameterSpec>>;
  /** [P, B, T, D] -> [P, B, T, D]. */
  readonly apply: (weights: Weights, x: tf.Tensor4D) => tf.Tensor4D;
  /** The earlier layer whose weights stand in for those that are not among `parameters`. */
  readonly featurizerOf?: number;
  /** Instead of `apply` in a layer whose features later ones take. */
  readonly give?: (weights: Weights, x: tf.Tensor4D) => { y: tf.Tensor4D; features: Features };
  /** Instead of `apply` in a layer that takes the features of layer `from`. */
  readonly take?: {
    readonly from: number;
    readonly apply: (weights: Weights, x: tf.Tensor4D, features: Features) => tf.Tensor4D;
  };
}

export interface BackboneShape {
  readonly width: number;
  /** Longest sequence. */
  readonly length: number;
  readonly vocabulary: number;
  readonly norm?: NormName;
}

/** Standard deviation with which embeddings start, and in the autoencoder linear maps as well. */
export const smallDeviation = 0.02;

export function residualParameters(module: string, layers: readonly BackboneLayer[], width: number, norm: NormName) {
  return layers.flatMap(({ parameters }, i) => [
    ...inModule(`${module}.${i}.0`, norms[norm].parameters(width)),
    ...inModule(`${module}.${i}.1`, parameters),
  ]);
}

/** The stream is x + update: whoever reads it next adds them up. */
export interface Stream {
  readonly x: tf.Tensor4D;
  /** Of the last layer; none before the first. */
  readonly update?: tf.Tensor4D;
}

/** x + layer(norm(x)) for each layer; weights `<module>.<i>.0` (norm) and `<module>.<i>.1` (layer). */
export function residualStack(
  module: string,
  layers: readonly BackboneLayer[],
  norm: NormName,
  weights: Weights,
  x: tf.Tensor4D,
): Stream {
  const given = new Map<number, Features>();
  return layers.reduce(
    (stream: Stream, layer, i) => {
      const { sum, normal } = normalizeSum(norm, within(weights, `${module}.${i}.0`), stream);
      const own = within(weights, `${module}.${i}.1`);
      const { featurizerOf: donor } = layer;
      const all = donor === undefined ? own : { ...within(weights, `${module}.${donor}.1`), ...own };
      return { x: sum, update: applyLayer(layer, i, all, normal, given) };
    },
    { x },
  );
}

function applyLayer(
  { apply, give, take }: BackboneLayer,
  index: number,
  weights: Weights,
  x: tf.Tensor4D,
  given: Map<number, Features>,
): tf.Tensor4D {
  if (take !== undefined) {
    const features = given.get(take.from);
    if (features === undefined)
      throw new Error(`layer ${index} takes features of layer ${take.from}, which gives none`);
    return take.apply(weights, x, features);
  }
  if (give === undefined) return apply(weights, x);
  const { y, features } = give(weights, x);
  given.set(index, features);
  return y;
}

export function inModule(module: string, parameters: Readonly<Record<string, ParameterSpec>>): NamedParameter[] {
  return Object.entries(parameters).map(([name, spec]) => ({ ...spec, name: `${module}.${name}` }));
}

type Restart = (parameter: NamedParameter) => ParameterSpec;

/** Gives linear layers, `name.weight` [out, in] and `name.bias` beside it, another start. */
export function restartLinear(
  parameters: readonly NamedParameter[],
  { weight, bias }: { readonly weight?: Restart; readonly bias: Restart },
): NamedParameter[] {
  const isMap = ({ name, shape }: NamedParameter) => name.endsWith(".weight") && shape.length === 2;
  const maps = new Set(parameters.filter(isMap).map(({ name }) => name));
  return parameters.map((parameter) => {
    const { name } = parameter;
    if (weight && maps.has(name)) return { ...parameter, ...weight(parameter) };
    const isBias = name.endsWith(".bias") && maps.has(name.replace(/bias$/, "weight"));
    return isBias ? { ...parameter, ...bias(parameter) } : parameter;
  });
}
