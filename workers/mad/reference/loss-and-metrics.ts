// Compares cross-entropy, its gradient, predictions and metrics of given logits with recorded ones.
//
// The real steps do it, on a model whose parameters are the logits: the evaluation step gives loss and predictions,
// and the training step's first moments are a tenth of the gradient.
import type { ReferenceRecord, ReferenceVerdict } from "../../../operators/reference-case.ts";
import { numbersOf } from "../../../operators/safetensors.ts";
import type { Model } from "../../../operators/types.ts";
import { evaluationStep, initialTrainingState, trainingStep } from "../../engine/steps.ts";
import type { Engine, Step, Values } from "../../engine/types.ts";
import { classCounts, macroAccuracy, microAccuracy } from "../metrics.ts";
import { type Compared, exactly, toleranceOf, unsupported, verdictOf } from "./comparison.ts";

export async function compareLossAndMetrics(record: ReferenceRecord, engine: Engine): Promise<ReferenceVerdict> {
  const { x, target } = record.tensors;
  if (!x || !target) return unsupported("The record has no logits and targets.");
  const [batch = 0, length = 0, vocabulary = 0] = x.shape;
  const model: Model = {
    vocabulary,
    parameters: [{ name: "logits", shape: [batch, length, vocabulary], initialize: () => new Float32Array() }],
    apply: (weights) => weights.logits as ReturnType<Model["apply"]>,
  };
  const sizes = { members: 1, batch, length, rows: batch };
  const logits = Float32Array.from(numbersOf(x));
  const targets = Int32Array.from(numbersOf(target));
  const data = {
    inputs: new Int32Array((batch + 1) * length),
    targets: Int32Array.of(...targets, ...new Int32Array(length)),
  };
  const indices = Int32Array.from({ length: batch }, (_, row) => row);

  const training = { ...data, learningRates: Float32Array.of(0), weightDecays: Float32Array.of(0) };
  const start = initialTrainingState(logits, 1);
  const trained = await runOnce(engine, trainingStep(model, sizes), { state: start, constants: training }, indices);
  const evaluation = { state: { parameters: logits }, constants: data };
  const evaluated = await runOnce(engine, evaluationStep(model, sizes), evaluation, indices);

  const { loss, predictions } = evaluated.outputs as { loss: Float32Array; predictions: Int32Array };
  const counts = classCounts(predictions, targets, vocabulary);
  const tolerance = toleranceOf(record);
  const ours: Readonly<Record<string, ArrayLike<number>>> = {
    loss,
    perplexity: loss.map(Math.exp),
    "grad.x": (trained.state.firstMoments as Float32Array).map((moment) => moment / 0.1),
    tp: counts.correct,
    fp: counts.wrong,
    fn: counts.missed,
    accuracy_macro: [macroAccuracy(counts)],
    accuracy_micro: [microAccuracy(counts)],
  };
  const isExact = (name: string) => /^(tp|fp|fn)$/.test(name);
  return verdictOf(
    Object.entries(ours).flatMap(([name, actual]): Compared[] => {
      const tensor = record.tensors[name];
      if (!tensor) return [];
      const published = numbersOf(tensor);
      return [{ name, actual, published, tolerance: isExact(name) ? exactly : tolerance }];
    }),
  );
}

async function runOnce(
  engine: Engine,
  step: Step,
  initial: { readonly state: Values; readonly constants: Values },
  indices: Int32Array,
): Promise<{ state: Values; outputs: Values }> {
  const program = await engine.compile(step, initial);
  try {
    const outputs = await program.run(1, { indices });
    return { outputs, state: await program.state() };
  } finally {
    await program.dispose();
  }
}
