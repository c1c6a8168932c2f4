// What every engine must do. Not a test file by itself: those of the engines call it.
import * as tf from "@tensorflow/tfjs";
import { expect, test } from "vitest";
import { trainingStep } from "../../../workers/engine/steps.ts";
import type { Engine, Step, Values } from "../../../workers/engine/types.ts";
import { batches, tinyModel, trainingData } from "./tiny-model.ts";

const model = tinyModel(7);
const sizes = { members: 2, batch: 3, length: 5, rows: 8 };
const step = trainingStep(model, sizes);

/** total += amount; twice = 2 total. */
const counter: Step = {
  name: "counter",
  state: { total: { shape: [2], dtype: "float32" } },
  constants: { factor: { shape: [], dtype: "float32" } },
  batch: { amount: { shape: [2], dtype: "float32" } },
  outputs: { scaled: { shape: [2], dtype: "float32" } },
  apply({ total, factor, amount }) {
    const next = tf.add(total as tf.Tensor, amount as tf.Tensor);
    return { total: next, scaled: tf.mul(next, factor as tf.Tensor) };
  },
};
const counterStart = { state: { total: Float32Array.of(1, 2) }, constants: { factor: Float32Array.of(2) } };
const amounts = { amount: Float32Array.of(1, 10, 2, 20, 3, 30) };

/** Declares the tests for one engine. */
export function engineContract(engine: Engine): void {
  test("carries the state, gives each step its slice of the batch, and returns every step's output", async () => {
    const program = await engine.compile(counter, counterStart);
    const { scaled } = await program.run(3, amounts);
    expect([...(scaled ?? [])]).toEqual([4, 24, 8, 64, 14, 124]);
    expect([...((await program.state()).total ?? [])]).toEqual([7, 62]);
    await program.dispose();
  });

  test("K steps in one call equal K calls", async () => {
    const run = async (perCall: number) => {
      const program = await engine.compile(step, trainingData(model, sizes));
      const { indices } = batches(6, sizes) as { indices: Int32Array };
      const width = indices.length / 6;
      const losses = [];
      for (let k = 0; k < 6; k += perCall) {
        const slices = { indices: indices.slice(k * width, (k + perCall) * width) };
        losses.push(...((await program.run(perCall, slices)).loss ?? []));
      }
      const { parameters } = await program.state();
      await program.dispose();
      return { losses, parameters };
    };
    expect(await run(1)).toEqual(await run(6));
  });

  test("the state can be put back, and is the caller's to change", async () => {
    const program = await engine.compile(counter, counterStart);
    const saved = await program.state();
    const first = await program.run(3, amounts);
    saved.total?.fill(1, 0, 1);
    await program.setState(saved);
    const given = saved.total as Float32Array;
    given.fill(1000);
    expect(await program.run(3, amounts)).toEqual(first);
    (await program.state()).total?.fill(1000);
    expect([...((await program.state()).total ?? [])]).toEqual([7, 62]);
    expect([...counterStart.state.total]).toEqual([1, 2]);
    await program.dispose();
  });

  test("a program takes what another one's state has of equal name and keeps the rest", async () => {
    const source = await engine.compile(counter, counterStart);
    await source.run(3, amounts);
    const both: Step = {
      ...counter,
      state: { ...counter.state, other: { shape: [2], dtype: "float32" } },
      apply: (tensors) => ({ ...counter.apply(tensors), other: tensors.other! }),
    };
    const state = { ...counterStart.state, other: Float32Array.of(8, 9) };
    const target = await engine.compile(both, { ...counterStart, state });
    await target.adoptState(source);
    expect([...((await target.run(1, { amount: Float32Array.of(1, 1) })).scaled ?? [])]).toEqual([16, 126]);
    expect(await target.state(["other"])).toEqual({ other: Float32Array.of(8, 9) });
    expect(await source.state(["total"])).toEqual({ total: Float32Array.of(7, 62) });
    await source.dispose();
    await target.dispose();
  });

  test("a state that the step leaves as it is can still be replaced", async () => {
    const fixed: Step = {
      ...counter,
      apply: ({ total, factor }) => ({ total: total!, scaled: tf.mul(total!, factor!) }),
    };
    const program = await engine.compile(fixed, counterStart);
    expect([...((await program.run(1, { amount: new Float32Array(2) })).scaled ?? [])]).toEqual([2, 4]);
    await program.setState({ total: Float32Array.of(5, 6) });
    expect([...((await program.run(1, { amount: new Float32Array(2) })).scaled ?? [])]).toEqual([10, 12]);
    expect([...((await program.state()).total ?? [])]).toEqual([5, 6]);
    await program.dispose();
  });

  test("leaves no tensors behind", async () => {
    await tf.setBackend("cpu");
    const before = tf.memory().numTensors;
    const program = await engine.compile(step, trainingData(model, sizes));
    await program.run(2, batches(2, sizes));
    const during = tf.memory().numTensors;
    await program.run(3, batches(3, sizes));
    await program.setState(await program.state());
    expect(tf.memory().numTensors).toBe(during);
    await program.dispose();
    await program.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  const missing: [string, () => Promise<unknown>, string][] = [
    [
      "a state that is missing",
      () => engine.compile(counter, { ...counterStart, state: {} }),
      'counter: state "total" is missing (float32[2])',
    ],
    [
      "a constant of the wrong size",
      () => engine.compile(counter, { ...counterStart, constants: { factor: Float32Array.of(1, 2) } }),
      'counter: constant "factor" is float32[2], expected float32[]',
    ],
    [
      "a state of the wrong type",
      () => engine.compile(counter, { ...counterStart, state: { total: Int32Array.of(1, 2) } }),
      'counter: state "total" is int32[2], expected float32[2]',
    ],
    [
      "two entries of one name",
      () => engine.compile({ ...counter, batch: counter.state }, counterStart),
      'counter: two entries are called "total"',
    ],
    [
      "a result of another shape than declared",
      () => runOnce({ ...counter, apply: ({ total }) => ({ total: total!, scaled: tf.sum(total!) }) }),
      'counter: "scaled" came out as float32[], not float32[2]',
    ],
    [
      "a result that is missing",
      () => runOnce({ ...counter, apply: ({ total }) => ({ total: total! }) }),
      'counter: "scaled" is not among its results',
    ],
    [
      "an error inside the step",
      () => runOnce({ ...counter, apply: ({ total }) => ({ total: tf.reshape(total!, [3]), scaled: total! }) }),
      "counter: ",
    ],
    [
      "a batch with too few slices",
      () => runOnce(counter, 4),
      'counter: batch entry "amount" is float32[6], expected 4 x',
    ],
  ];
  const runOnce = async (which: Step, steps = 3): Promise<Values> => {
    const program = await engine.compile(which, counterStart);
    try {
      return await program.run(steps, amounts);
    } finally {
      await program.dispose();
    }
  };
  test.each(missing)("refuses %s", async (_what, attempt, message) => {
    await expect(attempt()).rejects.toThrow(message);
    await expect(attempt()).rejects.toThrow(expect.objectContaining({ name: "EngineError" }));
  });

  test("refuses work after dispose", async () => {
    const program = await engine.compile(counter, counterStart);
    await program.dispose();
    await expect(program.run(3, amounts)).rejects.toThrow("counter: the program was disposed of");
    await expect(program.state()).rejects.toThrow("counter: the program was disposed of");
  });
}
