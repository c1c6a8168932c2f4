// The jobs that the engine's child process runs. Loaded there; elsewhere only their types are.
import { parseGenome } from "../genome/index.ts";
import { EngineStartError } from "./engine/process/errors.ts";
import type { JobTable } from "./engine/process/jobs.ts";
import { chooseEngine, type EngineSetting, type EngineSettings } from "./engine/select.ts";
import type { Engine } from "./engine/types.ts";
import type { Progress } from "./mad/train-members.ts";
import { type TrainingRequest, trainAndScore } from "./mad/training.ts";

/** An evaluation as plain data. */
export interface EvaluationRequest extends Pick<TrainingRequest, "setting" | "recipe" | "seed" | "dataFolder"> {
  /** In text form. */
  readonly genome: string;
  readonly engine: EngineSetting;
  readonly engineSettings: EngineSettings;
}

export const jobs = {
  async trainAndScore(request: EvaluationRequest, report: (progress: Progress) => void) {
    const { genome, engine, engineSettings, ...rest } = request;
    const started = await startedEngine(engine, engineSettings);
    return trainAndScore({ ...rest, genome: parseGenome(genome), engine: started, onProgress: report });
  },
} satisfies JobTable;

let present: { readonly key: string; readonly engine: Promise<Engine> } | undefined;

/** Started once for the life of this process: a GPU's client takes seconds, and it keeps what it compiled. */
function startedEngine(setting: EngineSetting, settings: EngineSettings): Promise<Engine> {
  const key = JSON.stringify([setting, settings]);
  if (present?.key === key) return present.engine;
  const engine = chooseEngine(setting, settings).then(
    (choice) => choice.engine,
    (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      throw new EngineStartError(`the engine "${setting}" does not start: ${reason}`, { cause: error });
    },
  );
  present = { key, engine };
  engine.catch(() => {
    present = undefined; // the next job tries again
  });
  return engine;
}
