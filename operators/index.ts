// The code of every operator in the palette; a new operator is one folder beside this file and one line here.
import type { OperatorName, OptionsOf } from "../genome/palette/index.ts";
import { attention } from "./attention/index.ts";
import { gatedShortConvolution } from "./gated-short-convolution/index.ts";
import { hyena } from "./hyena/index.ts";
import { linearAttention } from "./linear-attention/index.ts";
import { mamba } from "./mamba/index.ts";
import { mlp } from "./mlp/index.ts";
import { monarchMixer } from "./monarch-mixer/index.ts";
import { s4d } from "./s4d/index.ts";
import { slidingAttention } from "./sliding-attention/index.ts";
import { swiglu } from "./swiglu/index.ts";
import type { Operator } from "./types.ts";

export const operators = {
  attention,
  mamba,
  "gated-short-convolution": gatedShortConvolution,
  hyena,
  swiglu,
  "sliding-attention": slidingAttention,
  "linear-attention": linearAttention,
  s4d,
  "monarch-mixer": monarchMixer,
  mlp,
} satisfies { readonly [Name in OperatorName]: Operator<OptionsOf<Name>> };

/** One operator under the common type, for code that walks operators it does not know. */
export function operatorNamed(name: OperatorName): Operator {
  return operators[name];
}
