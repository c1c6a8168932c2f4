// Every operator's training step on the WebGPU engine beside the CPU engine: do they agree, and how long does one take?
//
//   npx tsx bench/webgpu-check.ts [--operators attention,hyena] [--batch 128] [--steps 20] [--calls 5] [--cpu-calls 1]
//     [--strict] [--validation disabled] [--remark TEXT] [--out FILE]
//
// Needs Node.js, onnxruntime-node, a Vulkan loader and a driver. For a machine without the packages, make one file of it
// and take node_modules/onnxruntime-node and node_modules/onnxruntime-common along:
//
//   npx esbuild bench/webgpu-check.ts --bundle --platform=node --format=cjs --external:onnxruntime-node --outfile=check.cjs
//
// Agreement: the largest difference of a loss relative to that loss, and of the state relative to the largest of its
// entries, over the first 3 steps at batch 4 from equal starts. Time: two pairs of the operator and SwiGLU, width 128,
// length 128, vocabulary 16, optimizer included; the median of the calls.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { fitOptions, type OperatorName, operatorNames, paletteEntry, Random } from "../genome/index.ts";
import { drawParameters } from "../operators/initialize.ts";
import { buildModel } from "../operators/model.ts";
import type { Model } from "../operators/types.ts";
import { nvidiaDevices } from "../workers/engine/nvidia.ts";
import { onnxruntimeEngine } from "../workers/engine/onnxruntime.ts";
import { initialTrainingState, parameterCount, type StepSizes, trainingStep } from "../workers/engine/steps.ts";
import type { Engine, Values } from "../workers/engine/types.ts";
import { webgpuEngine } from "../workers/engine/webgpu/engine.ts";
import type { WebGpuSessionOptions } from "../workers/engine/webgpu/session.ts";

const { values: given } = parseArgs({
  options: {
    operators: { type: "string", default: operatorNames.join() },
    batch: { type: "string", default: "128" },
    steps: { type: "string", default: "20" },
    calls: { type: "string", default: "5" },
    "cpu-calls": { type: "string", default: "1" },
    validation: { type: "string" },
    strict: { type: "boolean", default: false },
    remark: { type: "string", default: "" },
    out: { type: "string" },
  },
});

const shape = { width: 128, length: 128, vocabulary: 16 };

interface Row {
  readonly operator: string;
  readonly parameters?: number;
  readonly lossDifference?: number;
  readonly stateDifference?: number;
  readonly compileMs?: number;
  readonly msPerStep?: number;
  readonly cpuMsPerStep?: number | undefined;
  readonly error?: string;
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});

async function main(): Promise<void> {
  const devices = await nvidiaDevices();
  console.log(`NVIDIA devices: ${devices.map(({ name }) => name).join(", ") || "none"}; node ${process.version}`);
  const cpu = onnxruntimeEngine();
  const validation = given.validation as WebGpuSessionOptions["validation"];
  const webgpu = await webgpuEngine({ strict: given.strict, validation });
  const rows: Row[] = [];
  for (const operator of given.operators.split(",") as OperatorName[]) {
    const row = await check(operator, cpu, webgpu).catch((error: Error): Row => ({ operator, error: error.message }));
    rows.push(row);
    console.log(JSON.stringify(row));
    if (given.out) {
      const report = { date: new Date().toISOString(), devices, node: process.version, remark: given.remark, shape };
      const { batch, steps, calls } = given;
      writeFileSync(given.out, `${JSON.stringify({ ...report, batch, steps, calls, rows }, null, 2)}\n`);
    }
  }
}

async function check(operator: OperatorName, cpu: Engine, webgpu: Engine): Promise<Row> {
  const model = modelOf(operator);
  const few = { members: 1, batch: 4, length: shape.length, rows: 64 };
  const [expected, actual] = [await firstSteps(cpu, model, few), await firstSteps(webgpu, model, few)];
  const many = { ...few, batch: Number(given.batch), rows: 1024 };
  const { compileMs, msPerStep } = await time(webgpu, model, many, Number(given.steps), Number(given.calls));
  const cpuCalls = Number(given["cpu-calls"]);
  const onCpu = cpuCalls > 0 ? await time(cpu, model, many, 1, cpuCalls) : undefined;
  return {
    ...{ operator, parameters: parameterCount(model) },
    lossDifference: difference(actual.loss, expected.loss, true),
    stateDifference: difference(actual.parameters, expected.parameters, false),
    ...{ compileMs, msPerStep, cpuMsPerStep: onCpu?.msPerStep },
  };
}

async function firstSteps(engine: Engine, model: Model, sizes: StepSizes) {
  const program = await engine.compile(trainingStep(model, sizes), start(model, sizes));
  const { loss } = await program.run(3, batches(3, sizes));
  const { parameters } = await program.state();
  await program.dispose();
  return { loss, parameters };
}

async function time(engine: Engine, model: Model, sizes: StepSizes, steps: number, calls: number) {
  const before = performance.now();
  const program = await engine.compile(trainingStep(model, sizes), start(model, sizes));
  await program.run(1, batches(1, sizes)); // compiles shaders, allocates
  const compileMs = Math.round(performance.now() - before);
  if (steps > 1) await program.run(steps, batches(steps, sizes));
  const wall: number[] = [];
  for (let call = 0; call < calls; call++) {
    const from = performance.now();
    await program.run(steps, batches(steps, sizes));
    wall.push((performance.now() - from) / steps);
  }
  await program.dispose();
  const median = wall.sort((a, b) => a - b)[wall.length >> 1] ?? Number.NaN;
  return { compileMs, msPerStep: Math.round(100 * median) / 100 };
}

function modelOf(operator: OperatorName): Model {
  const ungrouped = { featurizerGroup: 1, featurizerStrategy: 1, featureGroup: 1, featureStrategy: 1 };
  const options = fitOptions(operator, {}, shape);
  if (!options) throw new Error(`${operator} has no options for width ${shape.width} and length ${shape.length}`);
  const mixer = { liv: paletteEntry(operator).liv, ...ungrouped, options };
  const swiglu = { liv: paletteEntry("swiglu").liv, ...ungrouped };
  return buildModel({ segments: [mixer, swiglu, mixer, swiglu] }, { backbone: "language-model", ...shape });
}

function start(model: Model, { rows, length }: StepSizes): { state: Values; constants: Values } {
  const random = new Random("webgpu-check");
  const tokens = (name: string) => {
    const drawn = random.split(name);
    return Int32Array.from({ length: (rows + 1) * length }, () => drawn.integer(shape.vocabulary));
  };
  return {
    state: initialTrainingState(drawParameters(model, random.split("parameters")), 1),
    constants: {
      learningRates: Float32Array.of(5e-4),
      weightDecays: Float32Array.of(0.1),
      inputs: tokens("inputs"),
      targets: tokens("targets"),
    },
  };
}

function batches(steps: number, { batch, rows }: StepSizes): Values {
  const random = new Random("batches");
  return { indices: Int32Array.from({ length: steps * batch }, () => random.integer(rows)) };
}

/** The largest, relative to each entry or to the largest of them. */
function difference(actual: Values[string] | undefined, expected: Values[string] | undefined, toEach: boolean): number {
  if (!actual || !expected || actual.length !== expected.length)
    throw new Error("the engines return different entries");
  const largest = Array.from(expected, Math.abs).reduce((most, size) => Math.max(most, size), 0);
  return Array.from(expected, (value, i) => {
    const scale = toEach ? Math.abs(value) : largest;
    return Math.abs((actual[i] as number) - value) / scale;
  }).reduce((worst, one) => Math.max(worst, one), 0);
}
