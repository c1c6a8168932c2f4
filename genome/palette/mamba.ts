// Mamba: a state space model whose step, input and output maps depend on the token (STAR's Rec-1).
import { dense, shortConvolution } from "./counting.ts";
import type { PaletteEntry } from "./types.ts";

export type MambaOptions = {
  /** N numbers of state per inner channel. */
  readonly stateSize: number;
  /** Taps of the short convolution. */
  readonly convolution: number;
  /** Inner channels E as a multiple of D. */
  readonly expand: number;
};

export const mamba: PaletteEntry<MambaOptions> = {
  liv: 5,
  title: "Mamba",
  mixes: "sequence",
  paper: { title: "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", arxiv: "2312.00752" },
  options: { stateSize: [4, 8, 16, 32], convolution: [2, 3, 4], expand: [1, 2, 4] },
  defaults: { stateSize: 4, convolution: 4, expand: 2 },
  conflict: () => null,

  readout: { module: "out_proj", parameters: ({ expand }, { width }) => expand * width * width },

  parameters({ stateSize, convolution, expand }, { width }) {
    const inner = expand * width;
    const rank = stepRank(width);
    const inputMap = 2 * inner * width;
    const convolutions = inner * (convolution + 1);
    const selection = (rank + 2 * stateSize) * inner + (inner * rank + inner);
    const recurrence = inner * stateSize + inner;
    return inputMap + convolutions + selection + recurrence + width * inner;
  },

  /** The recurrence's state and the convolution's earlier inputs. */
  stateElements({ stateSize, convolution, expand }, { width }, contextLength) {
    return expand * width * (stateSize + Math.min(contextLength, convolution - 1));
  },

  flopsPerToken({ stateSize, convolution, expand }, { width }) {
    const inner = expand * width;
    const rank = stepRank(width);
    const scan = inner * (7 * stateSize + 1); // dt A, dt u, (dt u) B, the update and the readout
    const skipAndGate = 3 * inner;
    return (
      dense(width, 2 * inner) +
      shortConvolution(inner, convolution) +
      dense(inner, rank + 2 * stateSize) +
      dense(rank, inner) +
      scan +
      skipAndGate +
      dense(inner, width)
    );
  },
};

/** Rank of the map that makes the step size. */
function stepRank(width: number): number {
  return Math.ceil(width / 16);
}
