// Draws instances of a task for tests that check their meaning.
import type { TaskName } from "../../../../genome/index.ts";
import { generateDataSet, type Split } from "../../../../workers/mad/generate.ts";
import { baselineOf, type Difficulty } from "../../../../workers/mad/settings.ts";

export interface Example {
  readonly inputs: readonly number[];
  readonly targets: readonly number[];
}

/** 30 training and 30 test examples of the task's baseline with these changes. */
export async function examplesOf(task: TaskName, changes: Partial<Difficulty> = {}) {
  const setting = { ...baselineOf(task), ...changes, trainExamples: 30, testExamples: 30 };
  const { data } = await generateDataSet(setting, 7);
  return { setting, train: rows(data.train, data.tokens), test: rows(data.test, data.tokens) };
}

function rows({ examples, inputs, targets }: Split, tokens: number): Example[] {
  return Array.from({ length: examples }, (_, row) => ({
    inputs: [...inputs.subarray(row * tokens, (row + 1) * tokens)],
    targets: [...targets.subarray(row * tokens, (row + 1) * tokens)],
  }));
}

/** Positions that are scored. */
export function scored({ targets }: Example): number[] {
  return targets.flatMap((target, t) => (target === -100 ? [] : [t]));
}
