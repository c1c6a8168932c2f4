// What is run: MAD's in-context recall with generated data, and a model of a named architecture on it.
import { drawParameters } from "../../operators/initialize.ts";
import { buildModel } from "../../operators/model.ts";
import type { Model } from "../../operators/types.ts";
import type { Engine, Program, Values } from "../../workers/engine/types.ts";
import { BatchOrder, forMembers } from "../../workers/mad/batches.ts";
import { generateDataSet } from "../../workers/mad/generate.ts";
import type { EvaluationSetting } from "../../workers/mad/profiles.ts";
import { compileTraining } from "../../workers/mad/programs.ts";
import { evaluationStreams } from "../../workers/mad/recipe.ts";
import { baselineOf } from "../../workers/mad/settings.ts";
import { genomeOf } from "./architectures.ts";

export interface Sizes {
  readonly width: number;
  /** As MAD counts: a recall sequence of length L has L - 1 tokens. */
  readonly length: number;
  readonly vocabulary: number;
  readonly batch: number;
  readonly members: number;
}

export interface Workload {
  readonly model: Model;
  compile(engine: Engine): Promise<Program>;
  /** Of `count` steps from step `first` on. */
  batches(first: number, count: number): Values;
}

const trainExamples = 1280;
const cell = { learningRate: 5e-4, weightDecay: 0.1 };

export async function prepareWorkload(arch: string, sizes: Sizes): Promise<Workload> {
  const { width, length, vocabulary, batch, members } = sizes;
  const setting: EvaluationSetting = {
    key: "bench/in-context-recall",
    data: { ...baselineOf("in-context-recall"), vocabulary, length, trainExamples, testExamples: 0 },
    model: { width, length, vocabulary, backbone: "language-model" },
    training: {
      ...{ batch, epochs: 1, evaluateEvery: 1 },
      ...{ learningRates: [cell.learningRate], weightDecays: [cell.weightDecay] },
    },
  };
  const model = buildModel(genomeOf(arch, sizes), setting.model);
  const { data } = await generateDataSet(setting.data, 12345);
  const streams = evaluationStreams(1, setting.key);
  const one = drawParameters(model, streams.parameters);
  const parameters = new Float32Array(one.length * members);
  for (let member = 0; member < members; member++) parameters.set(one, member * one.length);
  const cells = Array.from({ length: members }, () => cell);
  const order = new BatchOrder({ examples: trainExamples, batch }, streams.order);
  return {
    model,
    compile: (engine) => compileTraining({ model, data, setting, engine }, cells, parameters),
    batches(first, count) {
      const slices = Array.from({ length: count }, (_, k) => order.rows(first + k));
      return { indices: forMembers(slices, members) };
    },
  };
}
