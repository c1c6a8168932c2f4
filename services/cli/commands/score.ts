// `starling score`: trains and scores one architecture on this machine, without any search.
import { join } from "node:path";
import cliProgress from "cli-progress";
import { type Command, Option } from "commander";
import {
  canonicalGenome,
  fitGenome,
  formatGenome,
  type Genome,
  GenomeError,
  genomeCosts,
  type KnownDesignName,
  knownDesigns,
  type ModelShape,
  type ProfileName,
  parseGenome,
  profileNames,
  searchConfig,
  shapeOfSearch,
  type TaskName,
  taskNames,
} from "../../../genome/index.ts";
import { chooseEngine, type EngineSetting } from "../../../workers/engine/select.ts";
import { settingsOf, stepsOf } from "../../../workers/mad/profiles.ts";
import type { TrainingResult } from "../../../workers/mad/training.ts";
import { loadConfig } from "../../platform/config.ts";
import { CliError, exitCodes } from "../errors.ts";
import { isJson } from "../globals.ts";
import { bytes, count, duration, percent, printJson, printLine, table } from "../output.ts";

interface ScoreOptions {
  readonly profile: ProfileName;
  readonly task?: TaskName[];
  readonly seed: string;
  readonly recipe: "mad-2024" | "mad-strict";
  readonly engine: EngineSetting;
  readonly threads: string;
}

export function addScoreCommand(program: Command): void {
  program
    .command("score <genome>")
    .description("train and score one architecture: a genome in text form, or the name of a known design")
    .addOption(new Option("-p, --profile <name>", "task settings and lengths").choices(profileNames).default("smoke"))
    .addOption(new Option("-t, --task <tasks...>", "only these tasks").choices(taskNames))
    .addOption(new Option("--recipe <name>", "protocol").choices(["mad-2024", "mad-strict"]).default("mad-2024"))
    .option("--seed <seed>", "decides initial parameters and the order of examples", "0")
    .option("--engine <name>", "what trains", "auto")
    .option("--threads <count>", "processor threads", "1")
    .option("--json", "the result as JSON")
    .action(score);
}

async function score(text: string, options: ScoreOptions, command: Command): Promise<void> {
  const seed = wholeNumber("--seed", options.seed, 0);
  const threads = wholeNumber("--threads", options.threads, 1);
  const config = loadConfig();
  const shape = shapeOfSearch(searchConfig.parse({ profile: options.profile }));
  const genome = readGenome(text, shape);
  const { trainAndScore } = await import("../../../workers/mad/training.ts");
  const { engine } = await chooseEngine(options.engine, { ...config.engineSettings, threads });
  const settings = settingsOf(options.profile, options.task ?? [...taskNames]);
  const total = settings.reduce((sum, setting) => sum + stepsOf(setting), 0);
  const bar = showSteps(total, isJson(command));
  const results: { task: string; setting: string; result: TrainingResult }[] = [];
  let done = 0;
  try {
    for (const setting of settings) {
      const result = await trainAndScore({
        ...{ genome, setting, recipe: options.recipe, seed, engine },
        dataFolder: join(config.home, "data"),
        onProgress: ({ step }) => bar.update(done + step, { setting: setting.key }),
      });
      done += stepsOf(setting);
      bar.update(done, { setting: setting.key });
      results.push({ task: setting.data.task, setting: setting.key, result });
    }
  } finally {
    bar.stop();
  }
  const mean = results.reduce((sum, { result }) => sum + result.score, 0) / results.length;
  const costs = genomeCosts(genome, shape, 4096);
  if (isJson(command)) {
    printJson({
      genome: formatGenome(genome),
      profile: options.profile,
      seed,
      engine: engine.name,
      costs,
      score: mean,
      results,
    });
  } else {
    printLine(`${formatGenome(genome)}  profile ${options.profile}, seed ${seed}, engine ${engine.name}`);
    printLine(
      `${count(costs.parameters)} parameters, ${bytes(costs.stateBytes)} state at 4,096 tokens, ${count(costs.flopsPerToken)} FLOPs per token`,
    );
    printLine(table(["task", "setting", "score", "outcome", "steps", "time"], results.map(rowOf)));
    printLine(`mean score ${percent(mean)}`);
  }
  if (results.every(({ result }) => result.outcome === "diverged")) process.exitCode = exitCodes.failed;
}

function rowOf({ task, setting, result }: { task: string; setting: string; result: TrainingResult }): string[] {
  return [task, setting, percent(result.score), result.outcome, count(result.steps), duration(result.trainSeconds)];
}

function readGenome(text: string, shape: ModelShape): Genome {
  const design = Object.hasOwn(knownDesigns, text) ? knownDesigns[text as KnownDesignName] : undefined;
  try {
    return canonicalGenome(design ? fitGenome(parseGenome(design.genome), shape) : parseGenome(text, shape));
  } catch (error) {
    if (!(error instanceof GenomeError)) throw error;
    const names = Object.keys(knownDesigns).join(", ");
    throw new CliError(`${error.message}\nKnown designs: ${names}`);
  }
}

function showSteps(total: number, isSilent: boolean) {
  const bar = new cliProgress.SingleBar({
    format: "{bar} {value}/{total} steps | {setting} | ETA {eta_formatted}",
    barsize: 30,
    hideCursor: true,
    stream: process.stderr,
    noTTYOutput: !isSilent,
    notTTYSchedule: 5000,
  });
  if (!isSilent) bar.start(total, 0, { setting: "" });
  return {
    update: (step: number, payload: { setting: string }) => void (isSilent || bar.update(step, payload)),
    stop: () => bar.stop(),
  };
}

function wholeNumber(option: string, text: string, smallest: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= smallest) return value;
  throw new CliError(`${option} ${text}: expected a whole number of at least ${smallest}`);
}
