// The published backbones, by system name.
import type * as tf from "@tensorflow/tfjs";
import { type CaseConfig, type ReferenceAdapters, readChoice, readNumber, UnsupportedCase } from "../reference-case.ts";
import { autoencoder } from "./autoencoder.ts";
import { languageModel } from "./language-model.ts";
import type { BackboneLayer, BackboneShape } from "./layers.ts";

/** Adapters for backbones made of the systems in `layers`. */
export function backboneReferences(layers: ReferenceAdapters): ReferenceAdapters {
  return {
    "backbone-language-model": (config) => {
      const model = languageModel(readLayers(config, layers), readShape(config));
      return (weights, tokens) => ({ y: model.apply(weights, tokens as tf.Tensor3D) });
    },

    "backbone-autoencoder": (config) => {
      const pooling = readChoice(config, "global_pool", ["last", "avg", "cls"], "last");
      const model = autoencoder(readLayers(config, layers), readShape(config), pooling);
      return (weights, tokens) => ({ y: model.apply(weights, tokens as tf.Tensor3D) });
    },
  };
}

function readShape(config: CaseConfig): BackboneShape {
  const norm = String(config.norm ?? "LayerNorm").startsWith("RMSNorm") ? "rms" : "layer";
  return {
    width: readNumber(config, "D"),
    length: readNumber(config, "max_length"),
    vocabulary: readNumber(config, "V"),
    norm,
  };
}

/** The cases name their layers only; these options, found by trial, reproduce them. */
const layerOptions: Readonly<Record<string, CaseConfig>> = {
  "mh-attention": { n_heads: 2, rotary_emb_dim: 2 },
  hyena: { filter_order: 4, inner_factor: 4 },
  mamba: { d_state: 4, d_conv: 4, expand: 2 },
};

function readLayers(config: CaseConfig, known: ReferenceAdapters): BackboneLayer[] {
  if (!Array.isArray(config.layers)) throw new UnsupportedCase('Option "layers" is not a list of names.');
  return config.layers.map((name: unknown) => {
    const adapter = typeof name === "string" ? known[name] : undefined;
    if (!adapter) throw new UnsupportedCase(`The layer ${JSON.stringify(name)} is not implemented.`);
    const forward = adapter({ ...layerOptions[String(name)], D: config.D, T: config.T, max_length: config.max_length });
    return { parameters: {}, apply: (weights, x) => forward(weights, x).y as tf.Tensor4D };
  });
}
