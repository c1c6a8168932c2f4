// How a grid cell ended, as plain JSON: no number in it is NaN or infinite.
import type { Member } from "./member.ts";
import type { GridCell } from "./profiles.ts";

export type Outcome = "scored" | "diverged";
export type Metrics = Readonly<Record<string, number | null>>;

export interface MemberResult extends GridCell {
  readonly outcome: Outcome;
  /** In [0, 1]; chance for a diverged member. */
  readonly score: number;
  readonly metrics: Metrics;
}

/** A diverged member is worth a blind guess. */
export function memberResult({ cell, best, divergedAt, stoppedAt }: Member, chance: number): MemberResult {
  if (divergedAt !== null || !best) {
    return { ...cell, outcome: "diverged", score: chance, metrics: { divergedAt } };
  }
  const { test, validation, step, trainLoss } = best;
  return {
    ...cell,
    outcome: "scored",
    score: test.accuracy,
    metrics: {
      testAccuracy: test.accuracy,
      testLoss: test.loss,
      testPerplexity: finiteOrNull(test.perplexity),
      ...(validation && {
        validationAccuracy: validation.accuracy,
        validationLoss: validation.loss,
        validationPerplexity: finiteOrNull(validation.perplexity),
      }),
      trainLoss,
      checkpointStep: step,
      stoppedAt,
    },
  };
}

/** A perplexity overflows at a loss of 710, which is still a loss. */
function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
