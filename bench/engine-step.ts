// Milliseconds per training step of the engine: two pairs of a sequence mixer and SwiGLU, width 128, length 128,
// vocabulary 16, AdamW included. Beside it, if a script is given, one step of the attention model in PyTorch.
//
//   npx tsx bench/engine-step.ts [--operators attention,hyena] [--batches 16,128] [--threads 1,2] [--calls 5]
//     [--torch SCRIPT [--python /usr/bin/python3]] [--remark TEXT]
//     [--out bench/results/engine-step.json]
//
// The script reads B, THREADS and STEPS from its environment and prints JSON with `ms_per_step`. Wall time is the
// median of the calls and their least, because other work on the machine only ever adds to it.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { fitOptions, type OperatorName, operatorNames, paletteEntry, Random } from "../genome/index.ts";
import { drawParameters } from "../operators/initialize.ts";
import { buildModel } from "../operators/model.ts";
import type { Model } from "../operators/types.ts";
import { chooseEngine } from "../workers/engine/select.ts";
import { initialTrainingState, parameterCount, trainingStep } from "../workers/engine/steps.ts";

const { values: given } = parseArgs({
  options: {
    operators: { type: "string", default: operatorNames.join() },
    batches: { type: "string", default: "16,128" },
    threads: { type: "string", default: "1,2" },
    calls: { type: "string", default: "5" },
    torch: { type: "string" },
    python: { type: "string", default: "/usr/bin/python3" },
    remark: { type: "string", default: "" },
    out: { type: "string", default: "bench/results/engine-step.json" },
  },
});

interface Measurement {
  readonly engine: string;
  readonly operator: string;
  readonly batch: number;
  readonly threads: number;
  readonly medianMs: number;
  readonly leastMs?: number;
  /** Of all threads together. */
  readonly cpuMs?: number;
  readonly compileMs?: number;
  readonly parameters?: number;
  readonly residentMegabytes?: number;
}

const shape = { width: 128, length: 128, vocabulary: 16 };
const stepsPerCall = 2;
const measurements: Measurement[] = [];

for (const batch of given.batches.split(",").map(Number)) {
  for (const threads of given.threads.split(",").map(Number)) {
    if (given.torch) record(measureTorch(given.torch, batch, threads));
    for (const operator of given.operators.split(",") as OperatorName[]) {
      record(await measureEngine(operator, batch, threads));
    }
  }
}

const machine = {
  processor: cpus()[0]?.model ?? "unknown",
  cores: availableParallelism(),
  gigabytes: Math.round(totalmem() / 2 ** 30),
  node: process.version,
};
writeFileSync(
  given.out,
  `${JSON.stringify({ date: new Date().toISOString(), machine, remark: given.remark, shape, measurements }, null, 2)}\n`,
);
console.log(`written to ${given.out}`);

async function measureEngine(operator: OperatorName, batch: number, threads: number): Promise<Measurement> {
  const model = modelOf(operator);
  const sizes = { members: 1, batch, length: shape.length, rows: 256 };
  const random = new Random(`${operator}/${batch}`);
  const { engine } = await chooseEngine("onnxruntime", { threads });
  const start = performance.now();
  const program = await engine.compile(trainingStep(model, sizes), {
    state: initialTrainingState(drawParameters(model, random.split("parameters")), 1),
    constants: {
      learningRates: Float32Array.of(5e-4),
      weightDecays: Float32Array.of(0.1),
      inputs: tokens(random.split("inputs"), sizes.rows + 1),
      targets: tokens(random.split("targets"), sizes.rows + 1),
    },
  });
  const compileMs = performance.now() - start;
  const wall: number[] = [];
  const cpu: number[] = [];
  for (let call = 0; call <= Number(given.calls); call++) {
    const indices = Int32Array.from({ length: stepsPerCall * batch }, () => random.integer(sizes.rows));
    const before = { wall: performance.now(), cpu: process.cpuUsage() };
    await program.run(stepsPerCall, { indices });
    const { user, system } = process.cpuUsage(before.cpu);
    if (call === 0) continue; // the first call allocates
    wall.push((performance.now() - before.wall) / stepsPerCall);
    cpu.push((user + system) / 1000 / stepsPerCall);
  }
  const residentMegabytes = Math.round(process.memoryUsage().rss / 2 ** 20);
  await program.dispose();
  return {
    ...{ engine: engine.name, operator, batch, threads },
    ...{ medianMs: median(wall), leastMs: round(Math.min(...wall)), cpuMs: median(cpu), compileMs: round(compileMs) },
    ...{ parameters: parameterCount(model), residentMegabytes },
  };
}

function modelOf(operator: OperatorName): Model {
  const ungrouped = { featurizerGroup: 1, featurizerStrategy: 1, featureGroup: 1, featureStrategy: 1 };
  const options = fitOptions(operator, {}, shape);
  if (!options) throw new Error(`${operator} has no options for width ${shape.width} and length ${shape.length}`);
  const mixer = { liv: paletteEntry(operator).liv, ...ungrouped, options };
  const swiglu = { liv: paletteEntry("swiglu").liv, ...ungrouped };
  return buildModel({ segments: [mixer, swiglu, mixer, swiglu] }, { backbone: "language-model", ...shape });
}

function tokens(random: Random, rows: number): Int32Array {
  return Int32Array.from({ length: rows * shape.length }, () => random.integer(shape.vocabulary));
}

function measureTorch(script: string, batch: number, threads: number): Measurement {
  const steps = batch > 32 ? 3 : 8;
  const environment = {
    B: String(batch),
    THREADS: String(threads),
    OMP_NUM_THREADS: String(threads),
    STEPS: String(steps),
  };
  const printed = execFileSync(given.python, [script], { env: { ...process.env, ...environment }, encoding: "utf8" });
  const { torch, ms_per_step } = JSON.parse(printed);
  return { engine: `torch ${torch}`, operator: "attention", batch, threads, medianMs: ms_per_step };
}

function record(measurement: Measurement): void {
  measurements.push(measurement);
  const { engine, operator, batch, threads, medianMs, leastMs, cpuMs } = measurement;
  const detail = leastMs === undefined ? "" : ` (least ${leastMs}, processor ${cpuMs})`;
  console.log(`${engine} ${operator} B=${batch}, ${threads} threads: ${medianMs} ms per step${detail}`);
}

function median(values: readonly number[]): number {
  return round(values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
