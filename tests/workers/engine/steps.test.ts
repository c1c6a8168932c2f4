import * as tf from "@tensorflow/tfjs";
import { describe, expect, test } from "vitest";
import { eagerEngine } from "../../../workers/engine/eager.ts";
import { crossEntropy } from "../../../workers/engine/loss.ts";
import { onnxruntimeEngine } from "../../../workers/engine/onnxruntime.ts";
import { evaluationStep, parameterCount, trainingStep, weightsOf } from "../../../workers/engine/steps.ts";
import type { Values } from "../../../workers/engine/types.ts";
import { expectClose } from "./close.ts";
import { batches, tinyModel, trainingData } from "./tiny-model.ts";

const model = tinyModel(7);
const sizes = { members: 2, batch: 3, length: 5, rows: 8 };

async function train(step = trainingStep(model, sizes), data = trainingData(model, sizes), steps = 4) {
  const program = await onnxruntimeEngine().compile(step, data);
  const { loss } = await program.run(steps, batches(steps, sizes));
  const state = await program.state();
  await program.dispose();
  return { loss: loss as Float32Array, state };
}

/** Member `member` of values with the members axis first. */
function member(values: ArrayLike<number>, index: number): number[] {
  const size = values.length / sizes.members;
  return Array.from(values).slice(index * size, (index + 1) * size);
}

test("the named weights are the flat vector's parts, in order", () => {
  const flat = tf.range(0, 2 * parameterCount(model)).reshape([2, -1]) as tf.Tensor2D;
  const weights = weightsOf(model, flat);
  expect(Object.keys(weights)).toEqual(model.parameters.map(({ name }) => name));
  expect(weights.bias?.shape).toEqual([2, 10]);
  const offset = 7 * 6 + 6 * 18 + 6 * 10; // embedding, qkv, up
  expect(weights.bias?.dataSync()[0]).toBe(offset);
  expect(weights.bias?.dataSync()[10]).toBe(parameterCount(model) + offset);
});

test("training lowers the loss and counts its steps", async () => {
  const { loss, state } = await train(undefined, undefined, 60);
  expect(loss).toHaveLength(60 * 2);
  expect(member(loss.slice(-2), 0)[0]).toBeLessThan(0.8 * loss[0]!);
  expect([...(state.stepsTaken ?? [])]).toEqual([60, 60]);
});

test("members do not touch each other: two trained together equal each trained alone", async () => {
  const data = trainingData(model, sizes);
  const rates = Float32Array.of(1e-3, 2e-2);
  const together = await train(trainingStep(model, sizes), {
    ...data,
    constants: { ...data.constants, learningRates: rates },
  });
  for (const index of [0, 1]) {
    const alone = trainingStep(model, { ...sizes, members: 1 });
    const slice = (values: Values) =>
      Object.fromEntries(
        Object.entries(values).map(([name, value]) => [name, Float32Array.from(member(value, index))]),
      );
    const { inputs, targets } = data.constants as Record<"inputs" | "targets", Int32Array>;
    const weightDecays = Float32Array.of(0.1);
    const constants = { inputs, targets, weightDecays, learningRates: rates.slice(index, index + 1) };
    const program = await onnxruntimeEngine().compile(alone, { state: slice(data.state), constants });
    const all = batches(4, sizes).indices as Int32Array;
    const own = Int32Array.from({ length: 4 * 3 }, (_, i) => all[Math.floor(i / 3) * 6 + index * 3 + (i % 3)]!);
    await program.run(4, { indices: own });
    const { parameters } = await program.state();
    expectClose(parameters, member(together.state.parameters ?? [], index), 1e-6);
    await program.dispose();
  }
});

test("rows that fill up a batch change nothing", async () => {
  const short = { ...sizes, batch: 2 };
  const padded = { ...sizes, batch: 5 };
  const data = trainingData(model, sizes);
  const run = async (shape: typeof sizes, indices: number[]) => {
    const program = await onnxruntimeEngine().compile(trainingStep(model, shape), data);
    const { loss } = await program.run(1, { indices: Int32Array.from(indices) });
    const { parameters } = await program.state();
    await program.dispose();
    return [...(loss ?? []), ...(parameters ?? [])];
  };
  const full = await run(short, [0, 3, 5, 1]);
  expectClose(await run(padded, [0, 3, 8, 8, 8, 5, 1, 8, 8, 8]), full, 1e-6);
});

test("a parameter that the loss does not depend on only decays", async () => {
  const idle = { ...model, parameters: [...model.parameters, { ...model.parameters[3]!, name: "idle", shape: [2] }] };
  const data = trainingData(idle, { ...sizes, members: 1 });
  const program = await onnxruntimeEngine().compile(trainingStep(idle, { ...sizes, members: 1 }), data);
  await program.run(1, { indices: Int32Array.of(1, 2, 3) });
  const { parameters } = await program.state();
  await program.dispose();
  const before = data.state.parameters!.at(-1)!;
  expect(parameters!.at(-1)! / before).toBeCloseTo(1 - 5e-3 * 0.1, 6);
});

describe.each([onnxruntimeEngine(), eagerEngine()])("evaluation on $name", (engine) => {
  test("gives the loss and the most likely tokens, and leaves the parameters", async () => {
    const { state, constants } = trainingData(model, sizes);
    const { parameters } = state as { parameters: Float32Array };
    const { inputs, targets } = constants as Record<"inputs" | "targets", Int32Array>;
    const step = evaluationStep(model, sizes);
    const program = await engine.compile(step, { state: { parameters }, constants: { inputs, targets } });
    const { indices } = batches(2, sizes) as { indices: Int32Array };
    const result = await program.run(2, { indices });
    expect((await program.state()).parameters).toEqual(parameters);
    await program.dispose();

    await tf.setBackend("cpu");
    const weights = weightsOf(model, tf.tensor2d(parameters, [2, parameterCount(model)]));
    for (const k of [0, 1]) {
      const rows = (table: Int32Array) =>
        tf.tensor3d(
          Int32Array.from({ length: 2 * 3 * 5 }, (_, i) => table[indices[k * 6 + Math.floor(i / 5)]! * 5 + (i % 5)]!),
          [2, 3, 5],
          "int32",
        );
      const logits = model.apply(weights, rows(inputs));
      expect([...result.predictions!.slice(k * 30, (k + 1) * 30)]).toEqual([...tf.argMax(logits, -1).dataSync()]);
      const losses = crossEntropy(logits, rows(targets)).dataSync();
      expectClose(result.loss!.slice(k * 2, (k + 1) * 2), losses, 1e-5);
    }
  });
});
