// The two programs of an evaluation, with the data set inside.
import type { Model } from "../../operators/types.ts";
import { evaluationStep, initialTrainingState, trainingStep } from "../engine/steps.ts";
import type { Engine, Program, Values } from "../engine/types.ts";
import type { DataSet, Split } from "./generate.ts";
import type { EvaluationSetting, GridCell } from "./profiles.ts";
import { ignored } from "./tasks/types.ts";

interface Trained {
  readonly model: Model;
  readonly data: DataSet;
  readonly setting: EvaluationSetting;
  readonly engine: Engine;
}

/** `parameters` [P, N] are the members' initial ones. */
export function compileTraining(
  { model, data, setting, engine }: Trained,
  cells: readonly GridCell[],
  parameters: Float32Array,
): Promise<Program> {
  const step = trainingStep(model, {
    members: cells.length,
    batch: setting.training.batch,
    length: data.tokens,
    rows: data.train.examples,
  });
  const constants = {
    learningRates: Float32Array.from(cells, ({ learningRate }) => learningRate),
    weightDecays: Float32Array.from(cells, ({ weightDecay }) => weightDecay),
    ...dataSetConstants([data.train], data.tokens),
  };
  return engine.compile(step, { state: initialTrainingState(parameters, cells.length), constants });
}

/** Its data set holds the test examples, then those of the validation split. */
export function compileEvaluation(
  { model, data, setting, engine }: Trained,
  members: number,
  parameters: Float32Array,
): Promise<Program> {
  const rows = data.test.examples + data.validation.examples;
  const step = evaluationStep(model, { members, batch: setting.training.batch, length: data.tokens, rows });
  const constants = dataSetConstants([data.test, data.validation], data.tokens);
  return engine.compile(step, { state: { parameters }, constants });
}

/** The splits one after another, and the row that fills up partial batches: token 0, every target ignored. */
function dataSetConstants(splits: readonly Split[], tokens: number): Values {
  const rows = splits.reduce((sum, { examples }) => sum + examples, 0);
  const inputs = new Int32Array((rows + 1) * tokens);
  const targets = new Int32Array((rows + 1) * tokens).fill(ignored);
  let offset = 0;
  for (const split of splits) {
    inputs.set(split.inputs, offset);
    targets.set(split.targets, offset);
    offset += split.inputs.length;
  }
  return { inputs, targets };
}
