// The two programs a model is run as: a step of training and a step of evaluation.
//
// A program holds the whole data set; a batch is only a list of its rows. All parameters of a member lie in one flat
// vector [N], in the order of `model.parameters`, so that the optimizer is a dozen operations whatever the model.
import * as tf from "@tensorflow/tfjs";
import "../../operators/gradients.ts";
import type { Model, Weights } from "../../operators/types.ts";
import { adamW, type OptimizerState } from "./adamw.ts";
import { sizeOf } from "./graph.ts";
import { crossEntropy } from "./loss.ts";
import type { Step, TensorSpec, Values } from "./types.ts";

export interface StepSizes {
  /** Members P, trained side by side. */
  readonly members: number;
  /** Sequences B of each member in one step. */
  readonly batch: number;
  /** Tokens T of a sequence. */
  readonly length: number;
  /** Sequences in the data set. One more row follows them, with all targets ignored: it fills up partial batches. */
  readonly rows: number;
}

/**
 * One AdamW update on the mean cross-entropy of a batch, for each member on its own.
 *
 * State: `parameters`, `firstMoments`, `secondMoments` [P, N], `stepsTaken` [P]. Constants: `learningRates`,
 * `weightDecays` [P], `inputs`, `targets` int32 [rows + 1, T]. Batch: `indices` int32 [P, B]. Outputs: `loss` [P],
 * before the update.
 */
export function trainingStep(model: Model, sizes: StepSizes): Step {
  const { members } = sizes;
  const flat = float(members, parameterCount(model));
  const rate = float(members);
  return {
    name: stepName("training step", sizes),
    state: { parameters: flat, firstMoments: flat, secondMoments: flat, stepsTaken: rate },
    constants: { learningRates: rate, weightDecays: rate, ...dataSet(sizes) },
    batch: { indices: rowIndices(sizes) },
    outputs: { loss: float(members) },

    apply(tensors) {
      const { parameters, learningRates, weightDecays } = tensors as Record<string, tf.Tensor>;
      const [tokens, targets] = batchOf(tensors);
      const weights = weightsOf(model, parameters as tf.Tensor2D);
      const { value, grads } = tf.engine().gradients(
        () => crossEntropy(model.apply(weights, tokens), targets),
        Object.values(weights),
        tf.ones([members]), // the members' losses are summed, so their gradients stay apart
        true,
      );
      const gradients = Object.values(weights).map((weight, i) =>
        tf.reshape(grads[i] ?? tf.zerosLike(weight), [members, -1]),
      );
      const rates = { learningRates: learningRates as tf.Tensor1D, weightDecays: weightDecays as tf.Tensor1D };
      const next = adamW(tensors as unknown as OptimizerState, tf.concat(gradients, 1) as tf.Tensor2D, rates);
      return { ...next, loss: value };
    },
  };
}

/**
 * The loss and the predicted tokens of a batch.
 *
 * State: `parameters` [P, N], unchanged. Constants: `inputs`, `targets` int32 [rows + 1, T]. Batch: `indices` int32
 * [P, B]. Outputs: `loss` [P], `predictions` int32 [P, B, T].
 */
export function evaluationStep(model: Model, sizes: StepSizes): Step {
  const { members, batch, length } = sizes;
  return {
    name: stepName("evaluation step", sizes),
    state: { parameters: float(members, parameterCount(model)) },
    constants: dataSet(sizes),
    batch: { indices: rowIndices(sizes) },
    outputs: { loss: float(members), predictions: int([members, batch, length]) },

    apply(tensors) {
      const parameters = tensors.parameters as tf.Tensor2D;
      const [tokens, targets] = batchOf(tensors);
      const logits = model.apply(weightsOf(model, parameters), tokens);
      return { parameters, loss: crossEntropy(logits, targets), predictions: tf.argMax(logits, -1) };
    },
  };
}

/** The state before the first step, from the initial parameters [P, N]. */
export function initialTrainingState(parameters: Float32Array, members: number): Values {
  return {
    parameters,
    firstMoments: new Float32Array(parameters.length),
    secondMoments: new Float32Array(parameters.length),
    stepsTaken: new Float32Array(members),
  };
}

/** N, the length of one member's flat vector. */
export function parameterCount(model: Model): number {
  return model.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** The named weights [P, ...] inside flat parameters [P, N]. */
export function weightsOf(model: Model, parameters: tf.Tensor2D): Weights {
  const [members] = parameters.shape;
  let offset = 0;
  return Object.fromEntries(
    model.parameters.map(({ name, shape }) => {
      const flat = tf.slice(parameters, [0, offset], [members, sizeOf(shape)]);
      offset += sizeOf(shape);
      return [name, tf.reshape(flat, [members, ...shape])];
    }),
  );
}

/** The batch's tokens and targets, both [P, B, T]. */
function batchOf(tensors: Readonly<Record<string, tf.Tensor>>): [tf.Tensor3D, tf.Tensor3D] {
  const { inputs, targets, indices } = tensors as Record<"inputs" | "targets" | "indices", tf.Tensor2D>;
  return [tf.gather(inputs, indices), tf.gather(targets, indices)] as unknown as [tf.Tensor3D, tf.Tensor3D];
}

function dataSet({ rows, length }: StepSizes): Record<"inputs" | "targets", TensorSpec> {
  return { inputs: int([rows + 1, length]), targets: int([rows + 1, length]) };
}

function rowIndices({ members, batch }: StepSizes): TensorSpec {
  return int([members, batch]);
}

function stepName(kind: string, { members, batch, length }: StepSizes): string {
  return `${kind} (P=${members}, B=${batch}, T=${length})`;
}

function float(...shape: number[]): TensorSpec {
  return { shape, dtype: "float32" };
}

function int(shape: readonly number[]): TensorSpec {
  return { shape, dtype: "int32" };
}
