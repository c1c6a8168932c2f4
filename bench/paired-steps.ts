// The CPU engine's training step before and after a change: both in one process, in turn, so that whatever else the
// machine does slows them alike. Two pairs of a sequence mixer and SwiGLU, width 128, length 128, vocabulary 16.
//
//   node --import tsx bench/paired-steps.ts --before FOLDER [--operators attention,hyena] [--batches 16,128]
//     [--threads 1,2] [--rounds 5] [--remark TEXT] [--out FILE]
//
// FOLDER is a checkout of the commit before, with its node_modules. A round is two steps of each. Times are the least of
// the rounds, and the ratio is the median of theirs; `cpu` counts all threads together.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import * as ort from "onnxruntime-node";
import { fitOptions, type OperatorName, paletteEntry, Random } from "../genome/index.ts";
import { drawParameters } from "../operators/initialize.ts";
import { buildModel } from "../operators/model.ts";
import { sessionOptions } from "../workers/engine/onnxruntime.ts";
import { initialTrainingState, trainingStep } from "../workers/engine/steps.ts";

const here = fileURLToPath(new URL("..", import.meta.url));
const { values: given } = parseArgs({
  options: {
    before: { type: "string", default: here },
    operators: { type: "string", default: "attention,hyena,s4d,mamba,linear-attention" },
    batches: { type: "string", default: "16,128" },
    threads: { type: "string", default: "1,2" },
    rounds: { type: "string", default: "5" },
    remark: { type: "string", default: "" },
    out: { type: "string" },
    /** For the child processes: prints the model of the checkout in this folder. */
    emit: { type: "string" },
  },
});
const shape = { width: 128, length: 128, vocabulary: 16 };
const steps = 2;
const names = given.operators.split(",") as OperatorName[];
const batches = given.batches.split(",").map(Number);

if (given.emit) await emit(given.emit, names[0] as OperatorName, batches[0] as number);
else await compare();

async function compare(): Promise<void> {
  const measurements: object[] = [];
  for (const operator of names)
    for (const batch of batches) {
      const files = [resolve(given.before), here].map((folder) => emitted(folder, operator, batch));
      for (const threads of given.threads.split(",").map(Number)) {
        const measured = { operator, batch, threads, ...(await pair(files, operator, batch, threads)) };
        measurements.push(measured);
        console.log(JSON.stringify(measured));
      }
    }
  const report = { date: new Date().toISOString(), node: process.version, remark: given.remark, shape, measurements };
  if (given.out) writeFileSync(given.out, `${JSON.stringify(report, null, 2)}\n`);
}

async function pair(files: readonly Buffer[], operator: OperatorName, batch: number, threads: number) {
  const sessions = await Promise.all(
    files.map((file) => ort.InferenceSession.create(file, sessionOptions({ threads }))),
  );
  const inputs = feeds(operator, batch);
  const cpu: number[][] = [[], []];
  const wall: number[][] = [[], []];
  for (let round = 0; round <= Number(given.rounds); round++)
    for (const [i, session] of sessions.entries()) {
      const before = { wall: performance.now(), cpu: process.cpuUsage() };
      await session.run(inputs);
      const { user, system } = process.cpuUsage(before.cpu);
      if (round === 0) continue; // the first call allocates
      cpu[i]?.push((user + system) / 1000 / steps);
      wall[i]?.push((performance.now() - before.wall) / steps);
    }
  for (const session of sessions) await session.release();
  return {
    beforeMs: { wall: least(wall[0]), cpu: least(cpu[0]) },
    afterMs: { wall: least(wall[1]), cpu: least(cpu[1]) },
    ratio: { wall: ratio(wall), cpu: ratio(cpu) },
  };
}

function genomeOf(operator: OperatorName) {
  const ungrouped = { featurizerGroup: 1, featurizerStrategy: 1, featureGroup: 1, featureStrategy: 1 };
  const options = fitOptions(operator, {}, shape);
  if (!options) throw new RangeError(`${operator} has no options for width ${shape.width} and length ${shape.length}`);
  const mixer = { liv: paletteEntry(operator).liv, ...ungrouped, options };
  const swiglu = { liv: paletteEntry("swiglu").liv, ...ungrouped };
  return { segments: [mixer, swiglu, mixer, swiglu] };
}

function sizesOf(batch: number) {
  return { members: 1, batch, length: shape.length, rows: 256 };
}

function feeds(operator: OperatorName, batch: number): Record<string, ort.Tensor> {
  const model = buildModel(genomeOf(operator), { backbone: "language-model", ...shape });
  const { state, constants, batch: indices } = trainingStep(model, sizesOf(batch));
  const random = new Random(`${operator}/${batch}`);
  const rows = sizesOf(batch).rows + 1;
  const tokens = () => Int32Array.from({ length: rows * shape.length }, () => random.integer(shape.vocabulary));
  const values: Record<string, Float32Array | Int32Array> = {
    ...initialTrainingState(drawParameters(model, random.split("parameters")), 1),
    ...{
      learningRates: Float32Array.of(5e-4),
      weightDecays: Float32Array.of(0.1),
      inputs: tokens(),
      targets: tokens(),
    },
    indices: Int32Array.from({ length: steps * batch }, () => random.integer(rows - 1)),
  };
  const specs = Object.entries({ ...state, ...constants, ...indices });
  const tensors = specs.map(([name, { dtype, shape }]) => {
    const sliced = name === "indices" ? [steps, ...shape] : [...shape];
    return [name, new ort.Tensor(dtype, values[name] as Float32Array & Int32Array, sliced)];
  });
  return { steps: new ort.Tensor("int64", BigInt64Array.of(BigInt(steps)), []), ...Object.fromEntries(tensors) };
}

/** The model that a checkout makes; in a process of its own, because two tracing backends would get in each other's way. */
function emitted(folder: string, operator: OperatorName, batch: number): Buffer {
  const options = ["--emit", folder, "--operators", operator, "--batches", String(batch)];
  return execFileSync(process.execPath, ["--import", "tsx", fileURLToPath(import.meta.url), ...options], {
    maxBuffer: 2 ** 30,
  });
}

async function emit(folder: string, operator: OperatorName, batch: number): Promise<void> {
  const module = (path: string) => import(pathToFileURL(join(folder, path)).href);
  const [steps, engine, program, models] = await Promise.all(
    [
      "workers/engine/steps.ts",
      "workers/engine/onnxruntime.ts",
      "workers/engine/onnx/program.ts",
      "operators/model.ts",
    ].map(module),
  );
  const model = models.buildModel(genomeOf(operator), { backbone: "language-model", ...shape });
  const step = steps.trainingStep(model, sizesOf(batch));
  const graph = engine.traceStep(step);
  process.stdout.write(program.loopModel(graph, engine.rolesOf(step, graph)).file);
}

function least(times: readonly number[] = []): number {
  return Math.round(Math.min(...times) * 10) / 10;
}

function ratio([before = [], after = []]: readonly number[][]): number {
  const ratios = after.map((time, round) => time / (before[round] ?? Number.NaN)).sort((a, b) => a - b);
  return Math.round((ratios[ratios.length >> 1] ?? Number.NaN) * 1000) / 1000;
}
