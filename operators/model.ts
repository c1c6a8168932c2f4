// From a genome to a model: the operators of its segments, in order, inside a backbone.
import {
  type Genome,
  operatorOfSegment,
  paletteEntry,
  resolveOptions,
  sharingOf,
  validateGenome,
} from "../genome/index.ts";
import { autoencoder } from "./backbones/autoencoder.ts";
import { languageModel } from "./backbones/language-model.ts";
import type { BackboneLayer, BackboneShape } from "./backbones/layers.ts";
import { operatorNamed } from "./index.ts";
import type { Model } from "./types.ts";

export const backbones = {
  "language-model": languageModel,
  autoencoder,
} satisfies Record<string, (layers: readonly BackboneLayer[], shape: BackboneShape) => Model>;

export type BackboneName = keyof typeof backbones;

export interface ModelSizes extends BackboneShape {
  readonly backbone: BackboneName;
}

/** Throws a GenomeError where the genome means no model of this shape. */
export function buildModel(genome: Genome, { backbone, ...shape }: ModelSizes): Model {
  const context = { width: shape.width, length: shape.length };
  validateGenome(genome, context);
  const sharing = sharingOf(genome);
  const layers = genome.segments.map((segment, index): BackboneLayer => {
    const name = operatorOfSegment(segment, index);
    const operator = operatorNamed(name);
    const options = resolveOptions(name, segment.options);
    const layer: BackboneLayer = {
      parameters: operator.parameters(options, context),
      apply: (weights, x) => operator.apply(weights, x, options, context),
    };
    const shared = sharing[index] ?? null;
    if (shared === null) return layer;
    const { kind, donor } = shared;
    if (kind === "featurizer") {
      if (donor === index) return layer;
      const { module } = paletteEntry(name).readout;
      const own = Object.entries(layer.parameters).filter(([parameter]) => parameter.startsWith(`${module}.`));
      return { ...layer, parameters: Object.fromEntries(own), featurizerOf: donor };
    }
    const reuse = operator.sharing;
    if (reuse === undefined) throw new Error(`${name} cannot share features`);
    if (donor === index) return { ...layer, give: (weights, x) => reuse.give(weights, x, options, context) };
    return {
      ...layer,
      parameters: reuse.parameters(options, context),
      take: { from: donor, apply: (weights, x, features) => reuse.take(weights, x, features, options, context) },
    };
  });
  return backbones[backbone](layers, shape);
}
