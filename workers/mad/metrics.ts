// What the benchmark reports: cross-entropy, perplexity and class-averaged accuracy, per batch and over batches.
//
// mad/metrics.py and mad/model/pl_model_wrapper.py of athms/mad-lab: torchmetrics' MulticlassAccuracy with its default
// average="macro", torchmetrics' Perplexity, torch's CrossEntropyLoss, each with ignore_index -100.
import type { TaskSetting } from "./settings.ts";
import { tasks } from "./tasks/registry.ts";
import { ignored } from "./tasks/types.ts";

export interface BatchMetrics {
  /** Sequences in the batch: its weight in an epoch's mean. */
  readonly examples: number;
  /** Mean cross-entropy over scored positions, in nats. */
  readonly loss: number;
  readonly perplexity: number;
  /** In [0, 1]. */
  readonly accuracy: number;
}

export type EpochMetrics = Omit<BatchMetrics, "examples">;

/** Of one member's batch: its loss and predicted tokens, and the targets [examples, T]. */
export function batchMetrics(
  { examples, loss }: { readonly examples: number; readonly loss: number },
  predictions: ArrayLike<number>,
  targets: ArrayLike<number>,
  vocabulary: number,
): BatchMetrics {
  const accuracy = macroAccuracy(classCounts(predictions, targets, vocabulary));
  return { examples, loss, perplexity: Math.exp(loss), accuracy };
}

/** Means over batches weighted by their sequences, not metrics of the whole epoch: the published code logs them so. */
export function epochMetrics(batches: readonly BatchMetrics[]): EpochMetrics {
  const examples = batches.reduce((sum, batch) => sum + batch.examples, 0);
  const mean = (name: keyof EpochMetrics) =>
    batches.reduce((sum, batch) => sum + batch.examples * batch[name], 0) / examples;
  return { loss: mean("loss"), perplexity: mean("perplexity"), accuracy: mean("accuracy") };
}

/** True positives, false positives and false negatives of each token id [V]. */
export interface ClassCounts {
  readonly correct: Int32Array;
  readonly wrong: Int32Array;
  readonly missed: Int32Array;
}

/** Counts over scored positions. */
export function classCounts(
  predictions: ArrayLike<number>,
  targets: ArrayLike<number>,
  vocabulary: number,
): ClassCounts {
  if (predictions.length !== targets.length) {
    throw new Error(`${predictions.length} predictions for ${targets.length} targets`);
  }
  const [correct, wrong, missed] = [0, 1, 2].map(() => new Int32Array(vocabulary)) as [
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i] as number;
    const prediction = predictions[i] as number;
    if (target === ignored) continue;
    if (prediction === target) {
      correct[target] = (correct[target] as number) + 1;
    } else {
      missed[target] = (missed[target] as number) + 1;
      wrong[prediction] = (wrong[prediction] as number) + 1;
    }
  }
  return { correct, wrong, missed };
}

/**
 * Mean recall over the classes that occur as a scored target or as a prediction there: a class that is predicted but
 * never a target counts with recall 0. 0 where nothing is scored.
 */
export function macroAccuracy({ correct, wrong, missed }: ClassCounts): number {
  let sum = 0;
  let classes = 0;
  for (const [token, hits] of correct.entries()) {
    const targets = hits + (missed[token] as number);
    if (targets + (wrong[token] as number) > 0) classes++;
    if (targets > 0) sum += hits / targets;
  }
  return classes === 0 ? 0 : sum / classes;
}

/** Plain fraction of scored positions that are right; 0 where nothing is scored. */
export function microAccuracy({ correct, missed }: ClassCounts): number {
  const hits = correct.reduce((sum, count) => sum + count, 0);
  const targets = missed.reduce((sum, count) => sum + count, hits);
  return targets === 0 ? 0 : hits / targets;
}

/** Expected score of a blind guess among the ids that a target may be: what a diverged training is worth. */
export function chanceScore(setting: TaskSetting): number {
  return 1 / tasks[setting.task].targetClasses(setting);
}
