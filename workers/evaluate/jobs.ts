// What the engine's child process can do. Loaded there by URL; requests and results are plain data.
import { parseGenome } from "../../genome/index.ts";
import { chooseEngine, type EngineName } from "../engine/select.ts";
import type { EvaluationSetting } from "../mad/profiles.ts";
import type { RecipeName } from "../mad/recipe.ts";
import type { Progress } from "../mad/train-members.ts";
import { type TrainingResult, trainAndScore } from "../mad/training.ts";

export interface TrainRequest {
  /** Text form. */
  readonly genome: string;
  readonly setting: EvaluationSetting;
  readonly recipe: RecipeName;
  readonly seed: number;
  readonly engine: EngineName | "auto";
  readonly threads: number;
  readonly dataFolder: string;
}

export const jobs = {
  async train(request: TrainRequest, report: (progress: Progress) => void): Promise<TrainingResult> {
    const engine = await chooseEngine(request.engine, { threads: request.threads });
    const { genome, setting, recipe, seed, dataFolder } = request;
    return trainAndScore({
      genome: parseGenome(genome),
      setting,
      recipe,
      seed,
      engine,
      dataFolder,
      onProgress: report,
    });
  },
};

export type Jobs = typeof jobs;
