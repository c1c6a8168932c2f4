// A small hand-written model for engine tests: one head of causal attention and a ReLU layer, no operators involved.
import * as tf from "@tensorflow/tfjs";
import { Random } from "../../../genome/random.ts";
import { drawParameters } from "../../../operators/initialize.ts";
import type { Model, NamedParameter, Weights } from "../../../operators/types.ts";
import { initialTrainingState, type StepSizes } from "../../../workers/engine/steps.ts";
import type { Values } from "../../../workers/engine/types.ts";

const width = 6;
const inner = 10;

export function tinyModel(vocabulary: number): Model {
  return {
    vocabulary,
    parameters: [
      parameter("embedding", [vocabulary, width]),
      parameter("qkv", [width, 3 * width]),
      parameter("up", [width, inner]),
      parameter("bias", [inner]),
      parameter("down", [inner, vocabulary]),
    ],
    apply(weights, tokens) {
      const [members, batch, length] = tokens.shape;
      const hot = tf.reshape(tf.cast(tf.oneHot(tokens, vocabulary), "float32"), [members, -1, vocabulary]);
      const x = tf.matMul(hot, named(weights, "embedding")); // [P, B*T, D]
      const qkv: tf.Tensor4D = tf.reshape(tf.matMul(x, named(weights, "qkv")), [members, batch, length, 3 * width]);
      const [q, k, v] = tf.split(qkv, 3, -1) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
      const position = tf.range(0, length, 1, "float32");
      const isPast = tf.lessEqual(tf.reshape(position, [1, length]), tf.reshape(position, [length, 1]));
      const scores = tf.where(isPast, tf.matMul(q, k, false, true), tf.fill([length, length], -1e9));
      const mixed = tf.add(x, tf.reshape(tf.matMul(tf.softmax(scores), v), [members, -1, width]));
      const hidden = tf.add(tf.matMul(mixed, named(weights, "up")), tf.expandDims(named(weights, "bias"), 1));
      const logits = tf.matMul(tf.relu(hidden), named(weights, "down"));
      return tf.reshape(logits, [members, batch, length, vocabulary]);
    },
  };
}

/** Everything a training program needs, drawn from a seed; token and target of the data set agree by a rule to learn. */
export function trainingData(model: Model, sizes: StepSizes, rate = 5e-3): { state: Values; constants: Values } {
  const { members, length, rows } = sizes;
  const random = new Random("data");
  const inputs = Int32Array.from({ length: (rows + 1) * length }, () => random.integer(model.vocabulary));
  const targets = inputs.map((token, i) => (i < rows * length ? (3 * token + 1) % model.vocabulary : -100));
  return {
    state: initialTrainingState(initialParameters(model, members, random.split("parameters")), members),
    constants: {
      learningRates: new Float32Array(members).fill(rate),
      weightDecays: new Float32Array(members).fill(0.1),
      inputs,
      targets,
    },
  };
}

export function initialParameters(model: Model, members: number, random: Random): Float32Array {
  const values = Array.from({ length: members }, (_, member) => drawParameters(model, random.split(member)));
  return Float32Array.from(values.flatMap((member) => [...member]));
}

/** Row numbers for `steps` batches. */
export function batches(steps: number, { members, batch, rows }: StepSizes): Values {
  const random = new Random("batches");
  return { indices: Int32Array.from({ length: steps * members * batch }, () => random.integer(rows)) };
}

function parameter(name: string, shape: readonly number[]): NamedParameter {
  const draw = (random: Random, sizes: readonly number[]) =>
    Float32Array.from({ length: sizes.reduce((a, b) => a * b, 1) }, () => 0.3 * random.normal());
  return { name, shape, initialize: draw };
}

function named(weights: Weights, name: string): tf.Tensor {
  return weights[name] as tf.Tensor;
}
