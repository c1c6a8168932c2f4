// The jobs that the engine's child process runs. Loaded there; elsewhere only their types are.
import { parseGenome } from "../genome/index.ts";
import type { JobTable } from "./engine/process/jobs.ts";
import { chooseEngine, type EngineName } from "./engine/select.ts";
import type { Progress } from "./mad/train-members.ts";
import { type TrainingRequest, trainAndScore } from "./mad/training.ts";

/** An evaluation as plain data. */
export interface EvaluationRequest extends Pick<TrainingRequest, "setting" | "recipe" | "seed" | "dataFolder"> {
  /** In text form. */
  readonly genome: string;
  readonly engine: EngineName | "auto";
  readonly threads: number;
}

export const jobs = {
  async trainAndScore({ genome, engine, threads, ...rest }: EvaluationRequest, report: (progress: Progress) => void) {
    const chosen = await chooseEngine(engine, { threads });
    return trainAndScore({ ...rest, genome: parseGenome(genome), engine: chosen, onProgress: report });
  },
} satisfies JobTable;
