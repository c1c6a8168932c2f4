// One engine's training step of one architecture on MAD's in-context recall with generated data, AdamW included.
import { drawParameters } from "../../operators/initialize.ts";
import { buildModel } from "../../operators/model.ts";
import { chooseEngine, type EngineName, type EngineSettings } from "../../workers/engine/select.ts";
import { parameterCount } from "../../workers/engine/steps.ts";
import type { Engine, Program } from "../../workers/engine/types.ts";
import { BatchOrder, forMembers } from "../../workers/mad/batches.ts";
import { generateDataSet } from "../../workers/mad/generate.ts";
import type { EvaluationSetting } from "../../workers/mad/profiles.ts";
import { compileTraining } from "../../workers/mad/programs.ts";
import { evaluationStreams } from "../../workers/mad/recipe.ts";
import { baselineOf } from "../../workers/mad/settings.ts";
import { genomeOf } from "./architectures.ts";
import { describeDevice, deviceMemory, megabytes } from "./machine.ts";

/** Plain data: it may go to another process. */
export interface Request {
  readonly engine: EngineName;
  readonly settings: EngineSettings;
  readonly arch: string;
  readonly sizes: Sizes;
}

export interface Sizes {
  readonly width: number;
  /** As MAD counts: a recall sequence of length L has L - 1 tokens. */
  readonly length: number;
  readonly vocabulary: number;
  readonly batch: number;
  readonly members: number;
  /** Training steps in one call of the program. */
  readonly steps: number;
  /** Calls that are timed; one more goes before them. */
  readonly calls: number;
}

export interface Measurement {
  readonly medianMs: number;
  readonly leastMs: number;
  readonly stepsPerSecond: number;
  /** The first compilation in this process, and a second one of the same step. */
  readonly compileSeconds: number;
  readonly recompileSeconds: number;
  readonly parameters: number;
  /** The most that the process held on the device: counted by its client, else what the compiled step needs. */
  readonly deviceMegabytes?: number | undefined;
  /** The most that the process held so far. */
  readonly residentMegabytes: number;
}

const trainExamples = 1280;
const cell = { learningRate: 5e-4, weightDecay: 0.1 };

/** Engines of this process: a GPU's client is started once. */
const started = new Map<string, Promise<Engine>>();

export async function measureStep({ engine: name, settings, arch, sizes }: Request): Promise<Measurement> {
  const key = JSON.stringify([name, settings]);
  const starting = started.get(key) ?? chooseEngine(name, settings).then(({ engine }) => engine);
  started.set(key, starting);
  const engine = await starting;

  const setting = settingOf(sizes);
  const model = buildModel(genomeOf(arch, sizes), setting.model);
  const { data } = await generateDataSet(setting.data, 12345);
  const streams = evaluationStreams(1, setting.key);
  const one = drawParameters(model, streams.parameters);
  const parameters = new Float32Array(one.length * sizes.members);
  for (let member = 0; member < sizes.members; member++) parameters.set(one, member * one.length);
  const cells = Array.from({ length: sizes.members }, () => cell);
  const compile = () => timed(() => compileTraining({ model, data, setting, engine }, cells, parameters));

  const first = await compile();
  const program = first.result;
  const wall = await timeCalls(program, engine, new BatchOrder(orderOf(sizes), streams.order), sizes);
  const counted = deviceMemory(engine)?.peakBytes;
  const needed = program.memory && program.memory.stateBytes + program.memory.temporaryBytes;
  await program.dispose();
  const second = await compile();
  await second.result.dispose();

  const medianMs = wall.toSorted((a, b) => a - b)[wall.length >> 1] as number;
  const deviceBytes = counted ?? needed;
  return {
    medianMs: rounded(medianMs),
    leastMs: rounded(Math.min(...wall)),
    stepsPerSecond: rounded(1000 / medianMs),
    compileSeconds: rounded(first.seconds),
    recompileSeconds: rounded(second.seconds),
    parameters: parameterCount(model),
    deviceMegabytes: deviceBytes === undefined ? undefined : megabytes(deviceBytes),
    residentMegabytes: megabytes(1024 * process.resourceUsage().maxRSS),
    ...describeDevice(engine),
  };
}

/** Milliseconds per step of each call but the first. Queued engines get the next call before the last has ended. */
async function timeCalls(program: Program, engine: Engine, order: BatchOrder, { members, steps, calls }: Sizes) {
  const start = (call: number) => {
    const slices = Array.from({ length: steps }, (_, k) => order.rows(call * steps + k));
    return program.run(steps, { indices: forMembers(slices, members) });
  };
  const wall: number[] = [];
  let present = start(0);
  let from = 0;
  for (let call = 0; call <= calls; call++) {
    const ahead = engine.isQueued && call < calls ? start(call + 1) : undefined;
    await present;
    const now = performance.now();
    if (call > 0) wall.push((now - from) / steps);
    from = now;
    if (call < calls) present = ahead ?? start(call + 1);
  }
  return wall;
}

function orderOf({ batch }: Sizes) {
  return { examples: trainExamples, batch };
}

function settingOf({ width, length, vocabulary, batch }: Sizes): EvaluationSetting {
  return {
    key: "bench/in-context-recall",
    data: { ...baselineOf("in-context-recall"), vocabulary, length, trainExamples, testExamples: 0 },
    model: { width, length, vocabulary, backbone: "language-model" },
    training: {
      ...{ batch, epochs: 1, evaluateEvery: 1 },
      ...{ learningRates: [cell.learningRate], weightDecays: [cell.weightDecay] },
    },
  };
}

async function timed<Result>(run: () => Promise<Result>): Promise<{ result: Result; seconds: number }> {
  const start = performance.now();
  const result = await run();
  return { result, seconds: (performance.now() - start) / 1000 };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
