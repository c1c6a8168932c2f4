// How far an engine is from a reference on one model: logits, loss and gradients of a batch, and a few updates.
import * as tf from "@tensorflow/tfjs";
import { Random } from "../../genome/index.ts";
import { drawParameters, sizeOf } from "../../operators/initialize.ts";
import type { Model } from "../../operators/types.ts";
import { crossEntropy } from "../../workers/engine/loss.ts";
import { initialTrainingState, parameterCount, trainingStep, weightsOf } from "../../workers/engine/steps.ts";
import type { Engine, Step } from "../../workers/engine/types.ts";

export interface BatchSizes {
  readonly batch: number;
  readonly tokens: number;
}

/** Differences are of the largest entry, relative to the largest entry of what is expected. */
export interface Agreement {
  readonly logits: number;
  readonly loss: number;
  /** Of the weight that is worst, each relative to its own largest entry. */
  readonly gradient: number;
  readonly worstWeight: string;
  /** Losses of the first training steps, each relative to itself. */
  readonly losses: number;
}

/** A weight whose gradient vanishes, as that of a key's bias does, is measured against this part of the largest gradient. */
const leastScale = 1e-3;

export async function compareEngines(
  engine: Engine,
  reference: Engine,
  model: Model,
  sizes: BatchSizes,
): Promise<Agreement> {
  return compareAnswers(model, await answers(engine, model, sizes), await answers(reference, model, sizes));
}

/**
 * How far the reference gets from itself when every parameter moves by one unit in its last place, at most in a few
 * draws: no float32 engine can be asked to be much nearer.
 */
export async function measureConditioning(reference: Engine, model: Model, sizes: BatchSizes): Promise<Agreement> {
  const expected = await answers(reference, model, sizes);
  const draws: Agreement[] = [];
  for (let draw = 0; draw < 4; draw++) {
    const random = new Random(`last place/${draw}`);
    const moved = (value: number) => value * (1 + (random.chance(0.5) ? 1 : -1) * 2 ** -23);
    draws.push(compareAnswers(model, await answers(reference, model, sizes, moved), expected));
  }
  const worst = draws.reduce((one, other) => (other.gradient > one.gradient ? other : one));
  const most = (figure: "logits" | "loss" | "losses") => Math.max(...draws.map((draw) => draw[figure]));
  return { ...worst, logits: most("logits"), loss: most("loss"), losses: most("losses") };
}

type Answers = Readonly<Record<"logits" | "loss" | "gradients" | "losses", Float32Array>>;

function compareAnswers(model: Model, found: Answers, expected: Answers): Agreement {
  const gradient = worstGradient(model, found.gradients, expected.gradients);
  return {
    logits: difference(found.logits, expected.logits),
    loss: difference(found.loss, expected.loss),
    gradient: gradient.difference,
    worstWeight: gradient.name,
    losses: Math.max(...Array.from(expected.losses, (loss, i) => difference([found.losses[i]], [loss]))),
  };
}

type Numbers = ArrayLike<number | undefined>;

const updates = 3;

async function answers(
  engine: Engine,
  model: Model,
  sizes: BatchSizes,
  change = (parameter: number) => parameter,
): Promise<Answers> {
  const random = new Random("agreement");
  const parameters = drawParameters(model, random.split("parameters")).map(change);
  const rows = drawRows(random.split("rows"), model, (updates + 1) * sizes.batch, sizes.tokens);

  const looking = await engine.compile(gradientStep(model, sizes), { state: { parameters }, constants: {} });
  const { logits, loss, gradients } = await looking.run(1, {
    tokens: rows.inputs.slice(0, sizes.batch * sizes.tokens),
    targets: rows.targets.slice(0, sizes.batch * sizes.tokens),
  });
  await looking.dispose();

  const trained = trainingStep(model, { members: 1, batch: sizes.batch, length: sizes.tokens, rows: rows.count - 1 });
  const training = await engine.compile(trained, {
    state: initialTrainingState(parameters, 1),
    constants: {
      learningRates: Float32Array.of(5e-4),
      weightDecays: Float32Array.of(0.1),
      inputs: rows.inputs,
      targets: rows.targets,
    },
  });
  const indices = Int32Array.from({ length: updates * sizes.batch }, (_, i) => i);
  const { loss: losses } = await training.run(updates, { indices });
  await training.dispose();
  return { logits, loss, gradients, losses } as Answers;
}

/**
 * What a training step makes on its way. State: `parameters` [1, N], unchanged. Batch: `tokens`, `targets` int32
 * [1, B, T]. Outputs: `logits` [1, B, T, V], `loss` [1], `gradients` [1, N].
 */
function gradientStep(model: Model, { batch, tokens }: BatchSizes): Step {
  const parameters = { shape: [1, parameterCount(model)], dtype: "float32" } as const;
  const row = { shape: [1, batch, tokens], dtype: "int32" } as const;
  return {
    name: `gradients (B=${batch}, T=${tokens})`,
    state: { parameters },
    constants: {},
    batch: { tokens: row, targets: row },
    outputs: {
      logits: { shape: [...row.shape, model.vocabulary], dtype: "float32" },
      loss: { shape: [1], dtype: "float32" },
      gradients: parameters,
    },
    apply({ parameters, tokens, targets }) {
      const weights = weightsOf(model, parameters as tf.Tensor2D);
      const logits = model.apply(weights, tokens as tf.Tensor3D);
      const { value, grads } = tf
        .engine()
        .gradients(
          () => crossEntropy(model.apply(weights, tokens as tf.Tensor3D), targets as tf.Tensor3D),
          Object.values(weights),
          tf.ones([1]),
          true,
        );
      const flat = Object.values(weights).map((weight, i) => tf.reshape(grads[i] ?? tf.zerosLike(weight), [1, -1]));
      return { parameters: parameters as tf.Tensor, logits, loss: value, gradients: tf.concat(flat, 1) };
    },
  };
}

/** A third of the targets is not scored. */
function drawRows(random: Random, model: Model, count: number, tokens: number) {
  const draw = () => Int32Array.from({ length: count * tokens }, () => random.integer(model.vocabulary));
  const targets = draw().map((target, i) => (i % 3 === 0 ? -100 : target));
  return { count, inputs: draw(), targets };
}

function worstGradient(model: Model, found: Float32Array, expected: Float32Array) {
  const least = leastScale * largest(expected);
  let worst = { name: "", difference: 0 };
  let offset = 0;
  for (const { name, shape } of model.parameters) {
    const [from, to] = [offset, offset + sizeOf(shape)];
    offset = to;
    const own = difference(found.subarray(from, to), expected.subarray(from, to), least);
    if (Number.isNaN(own) || own > worst.difference) worst = { name, difference: own };
  }
  return worst;
}

/** NaN where the engines differ in which entries are numbers. */
function difference(found: Numbers, expected: Numbers, least = 0): number {
  const scale = Math.max(least, largest(expected));
  const differences = Array.from(expected, (value, i) => Math.abs((found[i] ?? Number.NaN) - (value ?? Number.NaN)));
  const most = differences.reduce((worst, one) => Math.max(worst, one), 0);
  return most === 0 ? 0 : most / scale;
}

function largest(values: Numbers): number {
  return Array.from(values, (value) => Math.abs(value ?? Number.NaN)).reduce((most, one) => Math.max(most, one), 0);
}
