// Does training on one engine or in one precision come to the same accuracy as on another?
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { formatGenome, profileNames, taskNames } from "../genome/index.ts";
import { EngineProcess } from "../workers/engine/process/engine-process.ts";
import { engineNames } from "../workers/engine/select.ts";
import { precisions } from "../workers/engine/sources.ts";
import type { jobs } from "../workers/engine-jobs.ts";
import type { EvaluationSetting } from "../workers/mad/profiles.ts";
import { recipes } from "../workers/mad/recipe.ts";
import { architectureNames, genomeOf } from "./engine/architectures.ts";
import { describeMachine } from "./engine/machine.ts";
import { count, list, oneOf } from "./engine/options.ts";
import { readSettings } from "./engine/settings.ts";

const help = `node --import tsx bench/accuracy.ts [options]

Trains architectures on MAD tasks with the same seeds, data and order on every engine and precision given, through the
worker's own engine process, and compares the test accuracy with that of the first. Exit code 1 if any mean over the
seeds is further from the first's than --points.

  --runs LIST        ENGINE or ENGINE:PRECISION, of ${engineNames.join(", ")} and
                     ${precisions.join(", ")}; default onnxruntime,pjrt:float32,pjrt:bfloat16
  --archs LIST       ${architectureNames.join(", ")}, or any operator;
                     default mh-attention+swiglu,hyena+swiglu,mamba+swiglu
  --tasks LIST       ${taskNames.join(", ")};
                     default in-context-recall,selective-copying,memorization
  --profile NAME     ${profileNames.slice(0, 3).join(", ")}: sizes and training; default fast
  --epochs N         default the profile's
  --learning-rate X  default the profile's; the best of several where it has several
  --width N          default the profile's
  --seeds LIST       default 1
  --points X         percentage points; default 1
  --threads N        processor threads of one process; default 0, as many as the engine wants
  --plugin FILE      a PJRT plugin
  --json FILE        where the result goes, written anew after each training
  --known FILE       such a file of the same settings: its trainings are not repeated
`;

const { values: given } = parseArgs({
  options: {
    runs: { type: "string", default: "onnxruntime,pjrt:float32,pjrt:bfloat16" },
    archs: { type: "string", default: "mh-attention+swiglu,hyena+swiglu,mamba+swiglu" },
    tasks: { type: "string", default: "in-context-recall,selective-copying,memorization" },
    profile: { type: "string", default: "fast" },
    epochs: { type: "string" },
    "learning-rate": { type: "string" },
    width: { type: "string" },
    seeds: { type: "string", default: "1" },
    points: { type: "string", default: "1" },
    threads: { type: "string", default: "0" },
    plugin: { type: "string" },
    json: { type: "string" },
    known: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

const jobsModule = new URL("../workers/engine-jobs.ts", import.meta.url);

main().then(
  (agrees) => process.exit(agrees ? 0 : 1),
  (error) => {
    console.error(String(error));
    process.exit(1);
  },
);

interface Trained {
  readonly run: string;
  readonly arch: string;
  readonly task: string;
  readonly seed: number;
  /** Test accuracy in [0, 1]; undefined where the training failed. */
  readonly score?: number;
  readonly [figure: string]: unknown;
}

async function main(): Promise<boolean> {
  if (given.help) {
    process.stdout.write(help);
    return true;
  }
  const runs = list(given.runs).map(parseRun);
  const seeds = list(given.seeds).map((seed) => count("seeds", seed, 0));
  const [settings, archs, points] = [readSettings(given), list(given.archs), Number(given.points)];
  const known = given.known === undefined ? [] : readKnown(given.known, settings);
  const folder = mkdtempSync(join(tmpdir(), "starling-accuracy-"));
  const processes = runs.map(() => new EngineProcess<typeof jobs>({ jobsModule }));
  const report = { date: new Date().toISOString(), machine: await describeMachine(), settings, points };
  const trained: Trained[] = [];
  try {
    for (const setting of settings) {
      for (const arch of archs) {
        for (const seed of seeds) {
          for (const [i, run] of runs.entries()) {
            const what = { run: run.name, arch, task: setting.data.task, seed };
            const child = processes[i] as EngineProcess<typeof jobs>;
            const found =
              known.find(isOf(what)) ??
              (await train(child, run, arch, setting, seed, folder).catch((e) => ({ error: String(e) })));
            trained.push({ ...what, ...found });
            console.log(JSON.stringify({ ...what, ...found }));
            if (given.json) writeFileSync(given.json, `${JSON.stringify({ ...report, trained }, null, 2)}\n`);
          }
        }
      }
    }
  } finally {
    await Promise.all(processes.map((child) => child.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
  const comparisons = compare(trained, points);
  for (const { verdict, text } of comparisons) console.log(`${verdict} ${text}`);
  if (given.json) writeFileSync(given.json, `${JSON.stringify({ ...report, trained, comparisons }, null, 2)}\n`);
  return comparisons.every(({ verdict }) => verdict === "PASS");
}

interface Run {
  readonly name: string;
  readonly engine: (typeof engineNames)[number];
  readonly precision: (typeof precisions)[number];
}

function parseRun(name: string): Run {
  const [engine = "", precision = "auto"] = name.split(":");
  return { name, engine: oneOf("runs", engine, engineNames), precision: oneOf("runs", precision, precisions) };
}

async function train(
  child: EngineProcess<typeof jobs>,
  { engine, precision }: Run,
  arch: string,
  setting: EvaluationSetting,
  seed: number,
  dataFolder: string,
) {
  const threads = count("threads", given.threads, 0);
  const { score, outcome, steps, trainSeconds, metrics } = await child.run("trainAndScore", {
    genome: formatGenome(genomeOf(arch, setting.model)),
    engine,
    engineSettings: { precision, plugin: given.plugin, ...(threads > 0 && { threads }) },
    ...{ setting, seed, dataFolder, recipe: recipes["mad-2024"].name },
  });
  return { score, outcome, steps, trainSeconds: Math.round(10 * trainSeconds) / 10, testLoss: metrics.testLoss };
}

/** @throws where the file's settings are others. */
function readKnown(file: string, settings: readonly EvaluationSetting[]): readonly Trained[] {
  const known: { settings: unknown[]; trained: Trained[] } = JSON.parse(readFileSync(file, "utf8"));
  const texts = new Set(known.settings.map((setting) => JSON.stringify(setting)));
  const missing = settings.find((setting) => !texts.has(JSON.stringify(setting)));
  if (missing) throw new Error(`${file} has no trainings of ${missing.key} with these sizes and this training`);
  return known.trained.filter(({ score }) => score !== undefined);
}

function isOf({ run, arch, task, seed }: Pick<Trained, "run" | "arch" | "task" | "seed">) {
  return (one: Trained) => one.run === run && one.arch === arch && one.task === task && one.seed === seed;
}

/** Means over the seeds, of every run against the first. */
function compare(trained: readonly Trained[], points: number) {
  const cases = [...new Set(trained.map(({ arch, task }) => JSON.stringify([arch, task])))];
  return cases.flatMap((key) => {
    const [arch, task] = JSON.parse(key) as [string, string];
    const of = trained.filter((one) => one.arch === arch && one.task === task);
    const [first = "", ...others] = new Set(of.map(({ run }) => run));
    const mean = (run: string) => {
      const scores = of.filter((one) => one.run === run).map(({ score }) => score ?? Number.NaN);
      return (100 * scores.reduce((sum, score) => sum + score, 0)) / scores.length;
    };
    return others.map((run) => {
      const difference = mean(run) - mean(first);
      const verdict = Math.abs(difference) <= points ? "PASS" : "FAIL";
      const text = `${arch} on ${task}: ${run} ${mean(run).toFixed(2)} %, ${first} ${mean(first).toFixed(2)} %`;
      return { arch, task, run, first, difference, verdict, text };
    });
  });
}
