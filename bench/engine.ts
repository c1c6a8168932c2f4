// One training step of named architectures on any engines: MAD's in-context recall with generated data, vocabulary 16,
// width 128, AdamW included. Each layout is two mixers, each followed by SwiGLU.
//
//   node --import tsx bench/engine.ts [--engines onnxruntime,pjrt] [--archs hyena,hyena+attention] [--batch 128]
//     [--length 128] [--members 1] [--steps 20] [--calls 5] [--threads 0] [--precision auto] [--plugin FILE] [--json FILE]
//
// The wall time of a step is the median of the calls, and their least. The first call is not counted. `compileSeconds`
// is the first compilation in this process, `recompileSeconds` a second one of the same step; a cache on disk that
// knows the step makes both warm. `residentMegabytes` is the whole process after the calls, earlier layouts included.
// An engine or a layout that fails is reported, and the others go on.
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { fitOptions, type OperatorName, operatorNames, paletteEntry } from "../genome/index.ts";
import { drawParameters } from "../operators/initialize.ts";
import { buildModel } from "../operators/model.ts";
import type { Model } from "../operators/types.ts";
import { chooseEngine, type EngineSetting, type EngineSettings } from "../workers/engine/select.ts";
import type { Precision } from "../workers/engine/sources.ts";
import { parameterCount } from "../workers/engine/steps.ts";
import type { Engine } from "../workers/engine/types.ts";
import { BatchOrder, forMembers } from "../workers/mad/batches.ts";
import { type DataSet, generateDataSet } from "../workers/mad/generate.ts";
import type { EvaluationSetting } from "../workers/mad/profiles.ts";
import { compileTraining } from "../workers/mad/programs.ts";
import { evaluationStreams } from "../workers/mad/recipe.ts";
import { baselineOf } from "../workers/mad/settings.ts";

const { values: given } = parseArgs({
  options: {
    engines: { type: "string", default: "onnxruntime" },
    archs: { type: "string", default: "attention,hyena,linear-attention,mamba,s4d,hyena+attention" },
    batch: { type: "string", default: "128" },
    length: { type: "string", default: "128" },
    members: { type: "string", default: "1" },
    steps: { type: "string", default: "20" },
    calls: { type: "string", default: "5" },
    threads: { type: "string", default: "0" },
    precision: { type: "string", default: "auto" },
    plugin: { type: "string" },
    json: { type: "string" },
  },
});
const [batch, length, members, steps, calls] = [given.batch, given.length, given.members, given.steps, given.calls].map(
  Number,
) as [number, number, number, number, number];
const threads = Number(given.threads) || availableParallelism();
const shape = { width: 128, length, vocabulary: 16 };
const setting: EvaluationSetting = {
  key: "bench/in-context-recall",
  data: { ...baselineOf("in-context-recall"), vocabulary: shape.vocabulary, length, trainExamples: 1280 },
  model: { ...shape, backbone: "language-model" },
  training: { batch, epochs: 1, evaluateEvery: 1, learningRates: [5e-4], weightDecays: [0.1] },
};

const { data } = await generateDataSet(setting.data, 12345, { validationExamples: 0 });
const measurements: object[] = [];
for (const name of given.engines.split(",")) {
  try {
    const { engine } = await chooseEngine(name as EngineSetting, settingsOf());
    for (const arch of given.archs.split(","))
      await record(name, arch, async () => measure(engine, modelOf(arch), data));
  } catch (error) {
    await record(name, given.archs, () => Promise.reject(error));
  }
}
const machine = {
  processor: cpus()[0]?.model ?? "unknown",
  cores: availableParallelism(),
  gigabytes: Math.round(totalmem() / 2 ** 30),
  node: process.version,
};
const sizes = { ...shape, batch, members, stepsPerCall: steps, calls, threads, precision: given.precision };
const report = { date: new Date().toISOString(), machine, sizes, measurements };
if (given.json) writeFileSync(given.json, `${JSON.stringify(report, null, 2)}\n`);
process.exit();

async function record(engine: string, arch: string, run: () => Promise<object>): Promise<void> {
  const found = await run().catch((error: unknown) => ({ error: String(error) }));
  measurements.push({ engine, arch, ...found });
  console.log(JSON.stringify({ engine, arch, ...found }));
}

async function measure(engine: Engine, model: Model, data: DataSet) {
  const cells = Array.from({ length: members }, () => ({ learningRate: 5e-4, weightDecay: 0.1 }));
  const streams = evaluationStreams(1, setting.key);
  const one = drawParameters(model, streams.parameters);
  const parameters = new Float32Array(one.length * members);
  for (let i = 0; i < members; i++) parameters.set(one, i * one.length);
  const compile = () => timed(() => compileTraining({ model, data, setting, engine }, cells, parameters));
  const first = await compile();
  const program = first.result;
  const order = new BatchOrder({ examples: data.train.examples, batch }, streams.order);
  const wall: number[] = [];
  for (let call = 0; call <= calls; call++) {
    const slices = Array.from({ length: steps }, (_, k) => order.rows(call * steps + k));
    const { seconds } = await timed(() => program.run(steps, { indices: forMembers(slices, members) }));
    if (call > 0) wall.push((1000 * seconds) / steps);
  }
  const { memory } = program;
  const residentMegabytes = Math.round(process.memoryUsage.rss() / 2 ** 20);
  await program.dispose();
  const second = await compile();
  await second.result.dispose();
  const medianMs = wall.toSorted((a, b) => a - b)[wall.length >> 1] as number;
  return {
    ...{ medianMs: rounded(medianMs), leastMs: rounded(Math.min(...wall)), stepsPerSecond: rounded(1000 / medianMs) },
    ...{ compileSeconds: rounded(first.seconds), recompileSeconds: rounded(second.seconds) },
    ...{ parameters: parameterCount(model), residentMegabytes, ...memory },
  };
}

/** "hyena": both mixers are Hyena; "hyena+attention": one of each. */
function modelOf(arch: string): Model {
  const [first, second = first] = arch.split("+") as [OperatorName, OperatorName?];
  const ungrouped = { featurizerGroup: 1, featurizerStrategy: 1, featureGroup: 1, featureStrategy: 1 };
  const segment = (operator: OperatorName) => {
    if (!operatorNames.includes(operator)) throw new RangeError(`there is no operator "${operator}"`);
    const options = fitOptions(operator, {}, shape);
    if (!options) throw new RangeError(`${operator} has no options for width ${shape.width} and length ${length}`);
    return { liv: paletteEntry(operator).liv, ...ungrouped, options };
  };
  const segments = [segment(first), segment("swiglu"), segment(second), segment("swiglu")];
  return buildModel({ segments }, setting.model);
}

function settingsOf(): EngineSettings {
  return { threads, plugin: given.plugin, precision: given.precision as Precision };
}

async function timed<Result>(run: () => Promise<Result>): Promise<{ result: Result; seconds: number }> {
  const start = performance.now();
  const result = await run();
  return { result, seconds: (performance.now() - start) / 1000 };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
