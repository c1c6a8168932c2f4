// The two programs of an evaluation, with the data set inside.
//
// Where the engine is faster on sequences of certain lengths, those of a causal model are filled up at their end with
// tokens that are not scored: what comes before cannot see them.
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
  const length = programTokens({ data, setting, engine });
  const { batch } = setting.training;
  const step = trainingStep(model, { members: cells.length, batch, length, rows: data.train.examples });
  const constants = {
    learningRates: Float32Array.from(cells, ({ learningRate }) => learningRate),
    weightDecays: Float32Array.from(cells, ({ weightDecay }) => weightDecay),
    ...dataSetConstants([data.train], data.tokens, length),
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
  const length = programTokens({ data, setting, engine });
  const step = evaluationStep(model, { members, batch: setting.training.batch, length, rows });
  const constants = dataSetConstants([data.test, data.validation], data.tokens, length);
  return engine.compile(step, { state: { parameters }, constants });
}

/** Tokens of a sequence in the programs; those after the data's own are filling. */
export function programTokens({ data, setting, engine }: Omit<Trained, "model">): number {
  const multiple = setting.model.backbone === "language-model" ? (engine.tokenMultiple ?? 1) : 1;
  return Math.ceil(data.tokens / multiple) * multiple;
}

/**
 * The splits one after another, and the row that fills up partial batches. Filling is token 0, its target ignored.
 * [rows + 1, length], of which the first `tokens` are the data's.
 */
function dataSetConstants(splits: readonly Split[], tokens: number, length: number): Values {
  const rows = splits.reduce((sum, { examples }) => sum + examples, 0);
  const inputs = new Int32Array((rows + 1) * length);
  const targets = new Int32Array((rows + 1) * length).fill(ignored);
  let row = 0;
  for (const split of splits) {
    for (let example = 0; example < split.examples; example++, row++) {
      const [from, to] = [example * tokens, (example + 1) * tokens];
      inputs.set(split.inputs.subarray(from, to), row * length);
      targets.set(split.targets.subarray(from, to), row * length);
    }
  }
  return { inputs, targets };
}
