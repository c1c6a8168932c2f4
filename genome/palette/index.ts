// The palette: which operators exist, as data. A new operator is one file beside this one and one line here.
import type { Options } from "../types.ts";
import { attention } from "./attention.ts";
import { gatedShortConvolution } from "./gated-short-convolution.ts";
import { hyena } from "./hyena.ts";
import { linearAttention } from "./linear-attention.ts";
import { mamba } from "./mamba.ts";
import { mlp } from "./mlp.ts";
import { monarchMixer } from "./monarch-mixer.ts";
import { s4d } from "./s4d.ts";
import { slidingAttention } from "./sliding-attention.ts";
import { swiglu } from "./swiglu.ts";
import type { PaletteEntry } from "./types.ts";

export const palette = {
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
} satisfies Record<string, PaletteEntry>;

export type OperatorName = keyof typeof palette;
/** The options of one operator, every default filled in. */
export type OptionsOf<Name extends OperatorName> = (typeof palette)[Name]["defaults"];

export const operatorNames = Object.keys(palette) as [OperatorName, ...OperatorName[]];

const namesByClass = new Map<number, OperatorName>(operatorNames.map((name) => [palette[name].liv, name]));

/** The operator of a LIV class, or null where the class is reserved or does not exist. */
export function operatorOfClass(liv: number): OperatorName | null {
  return namesByClass.get(liv) ?? null;
}

/** One entry under the common type, for code that walks operators it does not know. */
export function paletteEntry(name: OperatorName): PaletteEntry {
  return palette[name];
}

/** The options of a segment with every default filled in. */
export function resolveOptions(name: OperatorName, options: Options = {}): Options {
  return { ...palette[name].defaults, ...options };
}
