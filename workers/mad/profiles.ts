// Named sets of task settings and training lengths. Every number of a profile is in this file.
//
// `smoke`: seconds, for tests and the demo; `fast`: the six baselines with less data; `baseline`: the six baselines
// in full; `full`: the whole benchmark, 66 settings x 6 grid cells.
import type { ProfileName, TaskName } from "../../genome/index.ts";
import type { ModelSizes } from "../../operators/model.ts";
import { publishedGrid } from "./recipe.ts";
import { baselineOf, type Difficulty, settingName, sweepOf, type TaskSetting } from "./settings.ts";
import { tasks } from "./tasks/registry.ts";

/** What is trained how long on which task: plain JSON, and with genome, recipe and seed all that decides a score. */
export interface EvaluationSetting {
  /** Unique in its profile and the same in every process, e.g. `full/compression/length=64`. */
  readonly key: string;
  readonly data: TaskSetting;
  readonly model: ModelSizes;
  readonly training: TrainingPlan;
}

export interface TrainingPlan {
  /** Sequences in a batch; the last one of an epoch may have fewer. */
  readonly batch: number;
  readonly epochs: number;
  /** Epochs from one evaluation to the next; the last epoch is always evaluated. */
  readonly evaluateEvery: number;
  /** The grid: one member for each pair of a learning rate and a weight decay. */
  readonly learningRates: readonly number[];
  readonly weightDecays: readonly number[];
}

export interface GridCell {
  readonly learningRate: number;
  readonly weightDecay: number;
}

interface Profile {
  readonly width: number;
  readonly training: TrainingPlan;
  settings(task: TaskName): TaskSetting[];
  /** Longest sequence the model is built for, at least T; by default the setting's length, as benchmark.py has it. */
  modelLength?(setting: TaskSetting): number;
}

/**
 * Recall and copying share vocabulary, tokens T = 31 and examples, so one compiled program serves the four of them:
 * a recall sequence of length L has L - 1 tokens, the others as many as are asked for. Small enough that 60 steps of
 * a model 32 wide tell known designs apart on every task.
 */
const smokeExamples = { trainExamples: 640, testExamples: 128 };
const smokeDifficulty = {
  "in-context-recall": { vocabulary: 10, length: 32 },
  "fuzzy-in-context-recall": { vocabulary: 10, length: 31, keyMotif: 1, valueMotif: 2 },
  "noisy-in-context-recall": { vocabulary: 10, noiseVocabulary: 2, length: 32 },
  "selective-copying": { vocabulary: 10, length: 31, tokensToCopy: 4 },
  compression: { vocabulary: 10, length: 16 },
  memorization: { vocabulary: 128, length: 32, trainExamples: 320 },
} satisfies Record<TaskName, Partial<Difficulty>>;

const published: TrainingPlan = { batch: 128, epochs: 200, evaluateEvery: 1, ...publishedGrid };

const profiles = {
  smoke: {
    width: 32,
    training: { batch: 32, epochs: 3, evaluateEvery: 1, learningRates: [5e-3], weightDecays: [0] },
    settings: (task) => [{ ...baselineOf(task), ...smokeExamples, ...smokeDifficulty[task] }],
    modelLength: ({ task, length }) => (task === "compression" ? length : 32),
  },
  fast: {
    width: 128,
    training: { ...published, evaluateEvery: 20, learningRates: [1e-3], weightDecays: [0] },
    settings: (task) => {
      const baseline = baselineOf(task);
      return [{ ...baseline, trainExamples: Math.min(baseline.trainExamples, 800) }];
    },
  },
  baseline: { width: 128, training: published, settings: (task) => [baselineOf(task)] },
  full: { width: 128, training: published, settings: sweepOf },
} satisfies Record<ProfileName, Profile>;

/**
 * The settings of `tasks` under a profile, in their order; `width` replaces the profile's. `share` of the epochs are
 * trained, at least one: the first ones of the whole training, for the key and with it every random stream is the same.
 */
export function settingsOf(
  profileName: ProfileName,
  taskNames: readonly TaskName[],
  { width, share = 1 }: { readonly width?: number | null; readonly share?: number } = {},
): EvaluationSetting[] {
  const profile: Profile = profiles[profileName];
  return taskNames.flatMap((task) =>
    profile.settings(task).map((data) => ({
      key: `${profileName}/${profileName === "full" ? settingName(data) : task}`,
      data,
      model: {
        width: width ?? profile.width,
        length: profile.modelLength?.(data) ?? data.length,
        vocabulary: data.vocabulary,
        backbone: task === "compression" ? ("autoencoder" as const) : ("language-model" as const),
      },
      training: shorten(profile.training, share),
    })),
  );
}

function shorten(plan: TrainingPlan, share: number): TrainingPlan {
  const epochs = Math.max(1, Math.round(share * plan.epochs));
  return { ...plan, epochs, evaluateEvery: Math.min(plan.evaluateEvery, epochs) };
}

/** Model width D of a profile. */
export function widthOf(profileName: ProfileName): number {
  return profiles[profileName].width;
}

/** Tokens T that a model sees in one sequence. */
export function tokensOf({ data }: EvaluationSetting): number {
  return tasks[data.task].tokens(data);
}

export function stepsPerEpoch({ data, training }: EvaluationSetting): number {
  return Math.ceil(data.trainExamples / training.batch);
}

/** Optimizer steps of a training that nothing stops early. */
export function stepsOf(setting: EvaluationSetting): number {
  return setting.training.epochs * stepsPerEpoch(setting);
}

/** A member per grid cell, weight decay changing fastest. */
export function gridOf({ training }: EvaluationSetting): GridCell[] {
  return training.learningRates.flatMap((learningRate) =>
    training.weightDecays.map((weightDecay) => ({ learningRate, weightDecay })),
  );
}
