// Monarch Mixer, causal: gates around a long convolution, and optionally a second long convolution of the input.
//
// Fu et al. 2023, arXiv:2310.12109; filter sizes and first frequency of M2-BERT.
import {
  type MonarchMixerOptions,
  monarchMixerFeatures,
  monarchMixerShortFilter,
} from "../../genome/palette/monarch-mixer.ts";
import { implicitFilterParameters } from "../implicit-filter.ts";
import { depthwiseLayer, linearLayer, normal } from "../initialize.ts";
import type { Operator } from "../types.ts";
import { sequenceMixer } from "./sequence-mixer.ts";

const firstFrequency = 10;

export const monarchMixer: Operator<MonarchMixerOptions> = {
  parameters({ filterOrder, residual }, { width, length }) {
    const size = {
      channels: width,
      order: filterOrder,
      features: monarchMixerFeatures,
      length,
      frequency: firstFrequency,
    };
    const filter = (module: string) => ({
      [`${module}.bias`]: normal([width]),
      ...implicitFilterParameters(module, size),
    });
    return {
      ...linearLayer("in_linear", width, 3 * width, true),
      ...depthwiseLayer("short_filter", 3 * width, monarchMixerShortFilter),
      ...filter("filter_fn"),
      ...(residual && filter("filter_fn2")),
      ...linearLayer("out_linear", width, width, true),
    };
  },

  apply: (weights, x, { residual }) =>
    sequenceMixer(weights, x, { bidirectional: false, residual, frequencyScale: 1, normalise: false }),
};
