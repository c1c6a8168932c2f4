// One grid cell while it is trained: its losses, its best checkpoint, and how it ended.
import type { EpochMetrics } from "./metrics.ts";
import type { GridCell } from "./profiles.ts";
import type { Recipe } from "./recipe.ts";

/** Losses in nats; null where a number would not be finite. */
export interface CurvePoint {
  readonly step: number;
  /** Mean since the last point. */
  readonly trainLoss: number | null;
  readonly testLoss: number | null;
  /** In [0, 1]. */
  readonly testAccuracy: number | null;
}

/** Metrics of one evaluation, by split. */
export interface Evaluated {
  readonly test: EpochMetrics;
  /** Null where the recipe has no validation split. */
  readonly validation: EpochMetrics | null;
}

export interface Checkpoint extends Evaluated {
  readonly step: number;
  readonly trainLoss: number;
  /** Of the split that the recipe selects on. */
  readonly selection: EpochMetrics;
}

export class Member {
  readonly cell: GridCell;
  readonly curve: CurvePoint[] = [];
  /** The evaluation with the lowest perplexity so far. */
  best: Checkpoint | null = null;
  /** Number of the step whose loss was not finite, counted from 1. */
  divergedAt: number | null = null;
  /** Step of the evaluation whose accuracy made it stop. */
  stoppedAt: number | null = null;
  readonly #recipe: Recipe;
  #lossSum = 0;
  #lossCount = 0;

  constructor(cell: GridCell, recipe: Recipe) {
    this.cell = cell;
    this.#recipe = recipe;
  }

  /** Whatever is recorded afterwards has no effect. */
  get isFinished(): boolean {
    return this.divergedAt !== null || this.stoppedAt !== null;
  }

  /** The loss of training step `step`, counted from 1. */
  recordLoss(step: number, loss: number): void {
    if (this.isFinished) return;
    if (!Number.isFinite(loss)) {
      this.#diverge(step);
      return;
    }
    this.#lossSum += loss;
    this.#lossCount++;
  }

  recordEvaluation(step: number, evaluated: Evaluated): void {
    if (this.isFinished) return;
    const { test, validation } = evaluated;
    const selection = this.#recipe.selection === "validation" ? (validation as EpochMetrics) : test;
    if (!Number.isFinite(test.loss) || !Number.isFinite(selection.loss)) {
      this.#diverge(step);
      return;
    }
    const trainLoss = this.trainLoss as number;
    this.curve.push({ step, trainLoss, testLoss: test.loss, testAccuracy: test.accuracy });
    if (!this.best || selection.perplexity < this.best.selection.perplexity) {
      this.best = { ...evaluated, step, trainLoss, selection };
    }
    if (selection.accuracy > this.#recipe.stopAbove) this.stoppedAt = step;
    this.#lossSum = 0;
    this.#lossCount = 0;
  }

  /** Mean since the last evaluation; null before the first step after it. */
  get trainLoss(): number | null {
    return this.#lossCount === 0 ? null : this.#lossSum / this.#lossCount;
  }

  #diverge(step: number): void {
    this.divergedAt = step;
    this.curve.push({ step, trainLoss: null, testLoss: null, testAccuracy: null });
  }
}

/** The cell that decides: highest accuracy at its checkpoint among those that did not diverge, else the longest-lived. */
export function bestMember(members: readonly Member[]): Member {
  const rank = ({ divergedAt, best }: Member) => (divergedAt === null && best ? 1 + best.selection.accuracy : 0);
  const lifetime = (member: Member) => member.divergedAt ?? 0;
  return members.reduce((first, member) => {
    if (rank(member) !== rank(first)) return rank(member) > rank(first) ? member : first;
    return rank(member) === 0 && lifetime(member) > lifetime(first) ? member : first;
  });
}
