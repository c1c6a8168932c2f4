// Every published system that we compute, by the name it has in the reference records.
import { attentionReferences } from "./attention/reference.ts";
import { backboneReferences } from "./backbones/reference.ts";
import { gatedShortConvolutionReferences } from "./gated-short-convolution/reference.ts";
import { hyenaReferences } from "./hyena/reference.ts";
import { linearAttentionReferences } from "./linear-attention/reference.ts";
import { mambaReferences } from "./mamba/reference.ts";
import { mlpReferences } from "./mlp/reference.ts";
import { monarchMixerReferences } from "./monarch-mixer/reference.ts";
import type { ReferenceAdapters } from "./reference-case.ts";
import { s4dReferences } from "./s4d/reference.ts";
import { swigluReferences } from "./swiglu/reference.ts";

const layers: ReferenceAdapters = {
  ...attentionReferences,
  ...gatedShortConvolutionReferences,
  ...hyenaReferences,
  ...linearAttentionReferences,
  ...mambaReferences,
  ...mlpReferences,
  ...monarchMixerReferences,
  ...s4dReferences,
  ...swigluReferences,
};

export const references: ReferenceAdapters = { ...layers, ...backboneReferences(layers) };
