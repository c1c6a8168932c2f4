// The benchmark's settings as data: one baseline per task and what is changed, one variable at a time.
//
// arXiv:2403.17844, appendix B; configs/tasks/*.yml of athms/mad-lab. 66 settings in all.
import { type TaskName, taskNames } from "../../genome/index.ts";
import type { TaskOptions } from "./tasks/types.ts";

/** One point of a task's difficulty: what is drawn, and how often. */
export interface TaskSetting extends TaskOptions {
  readonly task: TaskName;
  readonly trainExamples: number;
  readonly testExamples: number;
}

export type Difficulty = Omit<TaskSetting, "task">;
type Changes = { readonly [K in keyof Difficulty]?: readonly Difficulty[K][] };

/** What holds where a task's baseline says nothing else. */
const common: Difficulty = {
  vocabulary: 16,
  length: 128,
  trainExamples: 12_800,
  testExamples: 1_280,
  noiseFraction: 0,
  noiseVocabulary: 0,
  tokensToCopy: 0,
  keyMotif: 1,
  valueMotif: 1,
  multiQuery: true,
};

const trainExamples = [6_400, 3_200, 1_600, 800];

const sweeps = {
  "in-context-recall": {
    baseline: {},
    changes: { vocabulary: [32, 64, 128], length: [256, 512, 1024], trainExamples },
  },
  "fuzzy-in-context-recall": {
    baseline: { keyMotif: 3, valueMotif: 3 },
    changes: { vocabulary: [32, 64, 128], length: [256, 512, 1024], trainExamples },
  },
  "noisy-in-context-recall": {
    baseline: { vocabulary: 32, noiseVocabulary: 16, noiseFraction: 0.2 },
    changes: {
      vocabulary: [48, 80, 144],
      length: [256, 512, 1024],
      trainExamples,
      noiseFraction: [0.4, 0.6, 0.8],
    },
  },
  "selective-copying": {
    baseline: { length: 256, tokensToCopy: 16 },
    changes: { vocabulary: [32, 64, 128], length: [512, 1024], trainExamples, tokensToCopy: [32, 64, 96] },
  },
  compression: {
    baseline: { length: 32 },
    changes: { vocabulary: [32, 64, 128], length: [64, 128, 256], trainExamples },
  },
  memorization: {
    baseline: { vocabulary: 256, length: 32, trainExamples: 256 },
    changes: { vocabulary: [512, 1024, 2048, 4096, 8192] },
  },
} satisfies Record<TaskName, { baseline: Partial<Difficulty>; changes: Changes }>;

export function baselineOf(task: TaskName): TaskSetting {
  return { ...common, ...sweeps[task].baseline, task };
}

/** The baseline first, then each change of the sweep. */
export function sweepOf(task: TaskName): TaskSetting[] {
  const baseline = baselineOf(task);
  const changes: Changes = sweeps[task].changes;
  const changed = Object.entries(changes).flatMap(([variable, values]) =>
    values.map((value) => ({ ...baseline, [variable]: value })),
  );
  return [baseline, ...changed];
}

/** All settings of the benchmark. */
export function allSettings(): TaskSetting[] {
  return taskNames.flatMap(sweepOf);
}

/** A short name: the task, and what differs from its baseline, e.g. `compression/length=64,vocabulary=32`. */
export function settingName(setting: TaskSetting): string {
  const baseline = baselineOf(setting.task);
  const changed = (Object.keys(common) as (keyof Difficulty)[])
    .filter((variable) => setting[variable] !== baseline[variable])
    .map((variable) => `${variable}=${setting[variable]}`)
    .sort();
  return changed.length === 0 ? setting.task : `${setting.task}/${changed.join(",")}`;
}
