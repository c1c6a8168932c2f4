// Every published system that we compute, by the name it has in the reference records.
import { attentionReferences } from "./attention/reference.ts";
import { linearAttentionReferences } from "./linear-attention/reference.ts";
import { mlpReferences } from "./mlp/reference.ts";
import type { ReferenceAdapters } from "./reference-case.ts";
import { swigluReferences } from "./swiglu/reference.ts";

export const references: ReferenceAdapters = {
  ...attentionReferences,
  ...linearAttentionReferences,
  ...swigluReferences,
  ...mlpReferences,
};
