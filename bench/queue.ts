// Never-seen candidates back to back on one warm engine: how soon does each train, and how busy is the device?
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  formatGenome,
  type Genome,
  operatorNames,
  profileNames,
  Random,
  sampleGenome,
  taskNames,
} from "../genome/index.ts";
import { chooseEngine, engineNames } from "../workers/engine/select.ts";
import { precisions } from "../workers/engine/sources.ts";
import type { Engine } from "../workers/engine/types.ts";
import type { EvaluationSetting } from "../workers/mad/profiles.ts";
import { trainAndScore } from "../workers/mad/training.ts";
import { genomeOf } from "./engine/architectures.ts";
import { describeDevice, describeMachine, deviceMemory, megabytes } from "./engine/machine.ts";
import { count, oneOf } from "./engine/options.ts";
import { readSettings } from "./engine/settings.ts";
import { coveredMs, type Interval, watchEngine } from "./engine/watch.ts";

const help = `node --import tsx bench/queue.ts [options]

Different genomes, drawn from the grammar, trained and scored one after another (or a few at a time) in one process whose
engine has run another model before; nothing is read from a cache of programs. Prints for each the seconds from its
genome to the end of its first call of 4 training steps, and for the queue the share of wall time in which a program runs.
Exit code 1 if a candidate fails, starts later than --start-within or the device is used less than --utilisation.

  --engine NAME      ${engineNames.join(", ")}; default onnxruntime
  --candidates N     default 20
  --together N       evaluations at a time: one compiles while another trains; default 1
  --seed N           of the genomes; default 1
  --layout NAME      free or pairs; default pairs
  --task NAME        ${taskNames.join(", ")};
                     default in-context-recall
  --profile NAME     ${profileNames.join(", ")}; default fast
  --epochs N         default the profile's
  --width N          default the profile's
  --start-within X   seconds; default 6
  --utilisation X    in [0, 1]; default 0.8
  --threads N        processor threads; default as many as the engine wants
  --precision NAME   ${precisions.join(", ")}; default auto
  --plugin FILE      a PJRT plugin
  --json FILE        where the result goes
`;

const { values: given } = parseArgs({
  options: {
    engine: { type: "string", default: "onnxruntime" },
    candidates: { type: "string", default: "20" },
    together: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    layout: { type: "string", default: "pairs" },
    task: { type: "string", default: "in-context-recall" },
    profile: { type: "string", default: "fast" },
    epochs: { type: "string" },
    width: { type: "string" },
    "start-within": { type: "string", default: "6" },
    utilisation: { type: "string", default: "0.8" },
    threads: { type: "string" },
    precision: { type: "string", default: "auto" },
    plugin: { type: "string" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

main().then(
  (isFast) => process.exit(isFast ? 0 : 1),
  (error) => {
    console.error(String(error));
    process.exit(1);
  },
);

interface Evaluated {
  readonly genome: string;
  readonly firstStepSeconds: number;
  readonly compileSeconds: number;
  readonly seconds: number;
  readonly steps: number;
  readonly score: number;
  readonly runs: readonly Interval[];
}

type Failed = { readonly genome: string; readonly error: string };

async function main(): Promise<boolean> {
  if (given.help) {
    process.stdout.write(help);
    return true;
  }
  const [setting] = readSettings({ ...given, tasks: given.task }) as [EvaluationSetting];
  const genomes = drawGenomes(setting, count("candidates", given.candidates), count("seed", given.seed, 0));
  const [together, startWithin, utilisation] = [
    count("together", given.together),
    given["start-within"],
    given.utilisation,
  ];
  const settings = {
    precision: oneOf("precision", given.precision, precisions),
    plugin: given.plugin,
    ...(given.threads !== undefined && { threads: count("threads", given.threads) }),
  };
  const { engine, name } = await chooseEngine(oneOf("engine", given.engine, engineNames), settings);
  const dataFolder = mkdtempSync(join(tmpdir(), "starling-queue-"));
  const one = (genome: Genome) => evaluate(engine, genome, setting, dataFolder);
  try {
    await one(genomeOf("mh-attention+swiglu", setting.model)); // warms the engine, and draws the data
    const start = performance.now();
    const found = await inTurn(genomes, together, async (genome) => {
      const evaluated = await one(genome).catch(
        (error): Failed => ({ genome: formatGenome(genome), error: String(error) }),
      );
      console.log(JSON.stringify({ ...evaluated, runs: undefined }));
      return evaluated;
    });
    const wallMs = performance.now() - start;
    const scored = found.filter((one) => "runs" in one);
    const starts = scored.map(({ firstStepSeconds }) => firstStepSeconds).sort((a, b) => a - b);
    const summary = {
      candidates: found.length,
      failed: found.length - scored.length,
      firstStepSeconds: { median: starts[starts.length >> 1], most: starts.at(-1) },
      wallSeconds: rounded(wallMs / 1000),
      utilisation: rounded(coveredMs(scored.flatMap(({ runs }) => runs)) / wallMs),
      candidatesPerHour: Math.round((3_600_000 * scored.length) / wallMs),
      residentMegabytes: megabytes(process.memoryUsage.rss()),
      devicePeakMegabytes: megabytes(deviceMemory(engine)?.peakBytes ?? 0) || undefined,
    };
    console.log(JSON.stringify(summary));
    if (given.json) {
      const report = { date: new Date().toISOString(), machine: await describeMachine(), ...describeDevice(engine) };
      const asked = { engine: name, ...settings, setting, together };
      const candidates = found.map((one) => ({ ...one, runs: undefined }));
      writeFileSync(given.json, `${JSON.stringify({ ...report, ...asked, summary, candidates }, null, 2)}\n`);
    }
    const isSoon = (starts.at(-1) ?? Number.POSITIVE_INFINITY) <= Number(startWithin);
    return summary.failed === 0 && isSoon && summary.utilisation >= Number(utilisation);
  } finally {
    rmSync(dataFolder, { recursive: true, force: true });
  }
}

function drawGenomes({ model }: EvaluationSetting, candidates: number, seed: number): Genome[] {
  const layout = oneOf("layout", given.layout, ["free", "pairs"] as const);
  const grammar = { depth: 4, operators: operatorNames, layout, shape: model };
  const random = new Random(`queue/${seed}`);
  const known = new Set<string>();
  const genomes: Genome[] = [];
  while (genomes.length < candidates) {
    const genome = sampleGenome(grammar, random);
    if (!known.has(formatGenome(genome))) genomes.push(genome);
    known.add(formatGenome(genome));
  }
  return genomes;
}

async function evaluate(
  engine: Engine,
  genome: Genome,
  setting: EvaluationSetting,
  dataFolder: string,
): Promise<Evaluated> {
  const start = performance.now();
  const watched = watchEngine(engine);
  const request = { genome, setting, recipe: "mad-2024", seed: 1, engine: watched.engine, dataFolder } as const;
  const { score, steps } = await trainAndScore(request);
  const { compilations, runs } = watched;
  return {
    genome: formatGenome(genome),
    firstStepSeconds: rounded(((runs[0]?.end ?? Number.NaN) - start) / 1000),
    compileSeconds: rounded(coveredMs(compilations) / 1000),
    seconds: rounded((performance.now() - start) / 1000),
    ...{ steps, score: rounded(score), runs },
  };
}

/** At most `together` at a time, started in order. */
async function inTurn<Item, Result>(
  items: readonly Item[],
  together: number,
  run: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const take = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++;
      results[i] = await run(items[i] as Item);
    }
  };
  await Promise.all(Array.from({ length: together }, take));
  return results;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
