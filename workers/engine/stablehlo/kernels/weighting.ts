// How the scores of an attention kernel become the weights of its averages.
//
// Softmax as in FlashAttention (Dao et al. 2022, arXiv:2205.14135, algorithms 1 and 4), in base 2. Linear weights are the
// scores themselves, positive or not (Katharopoulos et al. 2020, arXiv:2006.16236, eq. 8): nothing is kept in range, and
// what divides them is taken into the gradient of the output before anything else.
import type { AttentionWeighting } from "../../../../operators/fused.ts";
import type { KernelWriter, Tile } from "./triton.ts";

/** Puts a number in the place of scores [queries, keys] whose key is not seen. */
export type Hide = (scores: Tile, as: number) => Tile;

export interface Weighting {
  /** Unit of the scores, as a factor of the products. */
  readonly unit: number;
  /** What a row knows before its first keys. */
  readonly start: readonly number[];
  /** Weights up to a factor of the row, and the factor of everything before them, if it is not 1. */
  gather(scores: Tile, known: readonly Tile[], hide: Hide): { weights: Tile; kept?: Tile; known: readonly Tile[] };
  /** Of a row that has seen all its keys [queries]. */
  finish(known: readonly Tile[]): { readonly factor: Tile; readonly statistics: Tile };
  /** dOut f32 [queries, V] as `gradient` and the gradient of the values want it. */
  incoming(dOut: Tile, statistics: Tile): Tile;
  /** Weights, and the gradient of the scores before their scale from that of the weights less its mean. */
  gradient(scores: Tile, statistics: Tile, excess: Tile, hide: Hide): { weights: Tile; dScores: Tile };
}

/** A score that was masked: its exponential is 0, and differences of two of them stay finite. */
const hidden = -1e30;

export const weightings: Readonly<
  Record<AttentionWeighting["weighting"], (w: KernelWriter, eps: number) => Weighting>
> = {
  /** Rows know their greatest score and the sum of their weights; statistics are the log-sum-exp. */
  softmax: (w) => ({
    unit: Math.LOG2E,
    start: [hidden, 0],
    gather(all, [greatest, total], hide) {
      const scores = hide(all, hidden);
      const peak = w.max(greatest as Tile, w.greatest(scores, 1));
      const weights = w.exp2(w.sub(scores, w.column(peak)));
      const kept = w.exp2(w.sub(greatest as Tile, peak));
      return { weights, kept, known: [peak, w.add(w.mul(total as Tile, kept), w.sum(weights, 1))] };
    },
    finish: ([greatest, total]) => ({
      factor: w.div(1, total as Tile),
      statistics: w.div(w.add(greatest as Tile, w.log2(total as Tile)), Math.LOG2E),
    }),
    incoming: (dOut) => dOut,
    gradient(scores, statistics, excess, hide) {
      const weights = w.exp2(w.sub(hide(scores, hidden), w.column(w.mul(statistics, Math.LOG2E))));
      return { weights, dScores: w.mul(weights, excess) };
    },
  }),

  /** Rows know the sum of their weights; statistics are 1 / (sum + eps), 0 for rows that do not exist. */
  linear: (w, eps) => ({
    unit: 1,
    start: [0],
    gather(scores, [total], hide) {
      const weights = hide(scores, 0);
      return { weights, known: [w.add(total as Tile, w.sum(weights, 1))] };
    },
    finish([total]) {
      const factor = w.div(1, w.add(total as Tile, eps));
      return { factor, statistics: factor };
    },
    incoming: (dOut, statistics) => w.mul(dOut, w.column(statistics)),
    gradient: (scores, _, excess, hide) => ({ weights: hide(scores, 0), dScores: hide(excess, 0) }),
  }),
};
