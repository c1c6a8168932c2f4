// The plain channel mixer: y = W2 gelu(W1 x), no biases.
import { dense } from "./counting.ts";
import type { PaletteEntry } from "./types.ts";

export type MlpOptions = {
  /** Inner width as a multiple of D. */
  readonly expansion: number;
};

export const mlp: PaletteEntry<MlpOptions> = {
  liv: 22,
  title: "MLP",
  mixes: "channel",
  paper: { title: "Gaussian Error Linear Units (GELUs)", arxiv: "1606.08415" },
  options: { expansion: [2, 4, 8] },
  defaults: { expansion: 4 },
  conflict: () => null,
  readout: { module: "proj", parameters: ({ expansion }, { width }) => expansion * width * width },

  parameters: ({ expansion }, { width }) => 2 * expansion * width * width,
  stateElements: () => 0,
  flopsPerToken: ({ expansion }, { width }) => dense(width, expansion * width) + dense(expansion * width, width),
};
