// S4D: one diagonal state space model per channel, run as a convolution, then GELU and a gated output map.
//
// Gu et al. 2022, arXiv:2206.11893, section 4; the block of the S4 repository with zero-order hold and its own A, B and
// dt for every channel.
import type { S4dOptions } from "../../genome/palette/s4d.ts";
import { drawn, linearLayer, normal } from "../initialize.ts";
import { within } from "../parts.ts";
import type { Operator } from "../types.ts";
import { gatedOutput, stateSpace } from "./convolution.ts";
import { type InitialSystem, initialSystem } from "./initial-system.ts";

/** Steps start log-uniform in this range. */
const firstSteps = { least: 1e-3, most: 0.1 };

export const s4d: Operator<S4dOptions> = {
  parameters({ stateSize, initialisation }, { width }) {
    const states = stateSize / 2; // of every conjugate pair one
    const repeated = (row: (system: InitialSystem) => readonly number[]) => () => {
      const values = row(initialSystem(initialisation, stateSize));
      return Float32Array.from({ length: width * values.length }, (_, i) => values[i % values.length] ?? 0);
    };
    return {
      "layer.D": normal([1, width]),
      "layer.kernel.inv_dt": drawn(
        [width, 1],
        (random) => Math.log(firstSteps.least) + random.uniform() * Math.log(firstSteps.most / firstSteps.least),
      ),
      "layer.kernel.C": normal([1, width, states, 2], Math.SQRT1_2), // a complex number of variance 1
      "layer.kernel.B": { shape: [1, width, states, 2], initialize: repeated(({ b }) => b.flatMap((re) => [re, 0])) },
      "layer.kernel.A_real": { shape: [width, states], initialize: repeated(({ decay }) => decay.map(Math.log)) },
      "layer.kernel.A_imag": { shape: [width, states], initialize: repeated(({ frequency }) => frequency) },
      ...linearLayer("output_linear.0", width, 2 * width, true),
    };
  },

  apply(weights, x) {
    const { y } = stateSpace(within(weights, "layer"), x, { discretisation: "zoh", bidirectional: false });
    return gatedOutput(weights, y);
  },
};
