// One evaluation: a candidate is trained on one setting and scored as the recipe says.
import type { Genome } from "../../genome/index.ts";
import { buildModel } from "../../operators/model.ts";
import type { Engine } from "../engine/types.ts";
import { loadDataSet } from "./dataset.ts";
import { bestMember, type CurvePoint } from "./member.ts";
import { type MemberResult, type Metrics, memberResult, type Outcome } from "./member-result.ts";
import { chanceScore } from "./metrics.ts";
import type { EvaluationSetting } from "./profiles.ts";
import { type RecipeName, recipes } from "./recipe.ts";
import { type Progress, trainMembers } from "./train-members.ts";

export interface TrainingRequest {
  readonly genome: Genome;
  readonly setting: EvaluationSetting;
  readonly recipe: RecipeName;
  /** With the setting's key it decides initial parameters and the order of examples. */
  readonly seed: number;
  readonly engine: Engine;
  /** Where data sets are kept between evaluations. */
  readonly dataFolder: string;
  /** Told when that folder cannot be written; the evaluation goes on. */
  readonly onCacheError?: ((error: unknown) => void) | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Plain JSON: no number in it is NaN or infinite. */
export interface TrainingResult {
  readonly outcome: Outcome;
  /** Of the best member; chance where every member diverged. In [0, 1]. */
  readonly score: number;
  readonly metrics: Metrics;
  readonly perMember: readonly MemberResult[];
  /** Of the best member. */
  readonly curve: readonly CurvePoint[];
  readonly steps: number;
  /** Milliseconds of a training step of all members; null where none was taken. */
  readonly stepMs: number | null;
  /** Compiling, training and evaluating, without making or loading the data set. */
  readonly trainSeconds: number;
  readonly engine: string;
}

/** Throws the signal's reason when aborted, a GenomeError or RangeError where genome or setting cannot be trained. */
export async function trainAndScore(request: TrainingRequest): Promise<TrainingResult> {
  const { genome, setting, seed, engine, onProgress, signal } = request;
  const recipe = recipes[request.recipe];
  const model = buildModel(genome, setting.model);
  const data = await loadDataSet(setting.data, recipe.dataSeed, {
    folder: request.dataFolder,
    validationExamples: recipe.validationExamples(setting.data.testExamples),
    signal,
    onWriteError: request.onCacheError,
  });
  const start = performance.now();
  const { members, steps, stepMs } = await trainMembers({
    model,
    data,
    setting,
    recipe,
    seed,
    engine,
    onProgress,
    signal,
  });
  const chance = chanceScore(setting.data);
  const best = bestMember(members);
  const { learningRate, weightDecay, outcome, score, metrics } = memberResult(best, chance);
  return {
    outcome,
    score,
    metrics: { learningRate, weightDecay, chance, ...metrics },
    perMember: members.map((member) => memberResult(member, chance)),
    curve: best.curve,
    ...{ steps, stepMs },
    trainSeconds: (performance.now() - start) / 1000,
    engine: engine.name,
  };
}
