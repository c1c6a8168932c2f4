// Metrics of all members over a split of the data set.
import type { Program } from "../engine/types.ts";
import { forMembers } from "./batches.ts";
import type { Split } from "./generate.ts";
import { type BatchMetrics, batchMetrics, type EpochMetrics, epochMetrics } from "./metrics.ts";

export interface EvaluationPlan {
  readonly members: number;
  readonly batch: number;
  /** Of a sequence in the split, and in the program, which may fill up what is missing. */
  readonly tokens: number;
  readonly programTokens: number;
  readonly vocabulary: number;
  /** Row of the split's first example in the program's data set, and the row that fills up partial batches. */
  readonly firstRow: number;
  readonly ignoredRow: number;
}

/** Predictions kept in memory at a time. */
const predictionsPerCall = 2 ** 22;

/** Runs over the split in order; `program` is an evaluation step that holds the parameters to be judged. */
export async function evaluateSplit(program: Program, split: Split, plan: EvaluationPlan): Promise<EpochMetrics[]> {
  const { members, batch, tokens, programTokens } = plan;
  const batches = Math.ceil(split.examples / batch);
  const perCall = Math.max(1, Math.floor(predictionsPerCall / (members * batch * programTokens)));
  const found: BatchMetrics[][] = Array.from({ length: members }, () => []);
  for (let first = 0; first < batches; first += perCall) {
    const count = Math.min(perCall, batches - first);
    const slices = Array.from({ length: count }, (_, k) => rowsOf(first + k, split, plan));
    const { loss, predictions } = await program.run(count, { indices: forMembers(slices, members) });
    for (let k = 0; k < count; k++) {
      const start = (first + k) * batch;
      const examples = Math.min(batch, split.examples - start);
      const targets = split.targets.subarray(start * tokens, (start + examples) * tokens);
      for (const [member, metrics] of found.entries()) {
        const slice = k * members + member;
        const from = slice * batch * programTokens;
        const all = (predictions as Int32Array).subarray(from, from + examples * programTokens);
        const predicted = beginnings(all, examples, tokens);
        const batchLoss = (loss as Float32Array)[slice] as number;
        metrics.push(batchMetrics({ examples, loss: batchLoss }, predicted, targets, plan.vocabulary));
      }
    }
  }
  return found.map(epochMetrics);
}

/** The first `tokens` of every example. */
function beginnings(predictions: Int32Array, examples: number, tokens: number): Int32Array {
  const length = predictions.length / examples;
  if (length === tokens) return predictions;
  const kept = new Int32Array(examples * tokens);
  for (let example = 0; example < examples; example++) {
    kept.set(predictions.subarray(example * length, example * length + tokens), example * tokens);
  }
  return kept;
}

function rowsOf(index: number, { examples }: Split, { batch, firstRow, ignoredRow }: EvaluationPlan): Int32Array {
  return Int32Array.from({ length: batch }, (_, i) => {
    const example = index * batch + i;
    return example < examples ? firstRow + example : ignoredRow;
  });
}
