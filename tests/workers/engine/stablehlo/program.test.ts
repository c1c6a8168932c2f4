import * as tf from "@tensorflow/tfjs";
import { expect, test } from "vitest";
import { stableHloProgram } from "../../../../workers/engine/stablehlo/program.ts";
import { trainingStep } from "../../../../workers/engine/steps.ts";
import type { Step } from "../../../../workers/engine/types.ts";
import { tinyModel } from "../tiny-model.ts";
import { interpret } from "./interpreter.ts";
import { lowered } from "./run.ts";

const scalar = { shape: [], dtype: "float32" } as const;

/** total <- total + rate x, and what x was; the rate stays. */
const counting: Step = {
  name: "counting",
  state: { rate: scalar, total: scalar },
  constants: {},
  batch: { x: scalar },
  outputs: { seen: scalar },
  apply: ({ rate, total, x }) => ({ rate: rate!, total: tf.add(total!, tf.mul(rate!, x!)), seen: tf.add(x!, 0) }),
};
const given = {
  state: { rate: Float32Array.of(2), total: Float32Array.of(1) },
  constants: {},
  batch: { x: Float32Array.of(3, 4, 5) },
};

test("as many steps are run as the count says, and the other slices stay zero", () => {
  const { run } = lowered(counting, { precision: "highest", capacity: 4 });
  const after = (steps: number) => {
    const { state, outputs } = run(steps, given);
    return [...state.total!, ...outputs.seen!];
  };
  expect(after(0)).toEqual([1, 0, 0, 0, 0]);
  expect(after(2)).toEqual([15, 3, 4, 0, 0]);
  expect(after(3)).toEqual([25, 3, 4, 5, 0]);
});

test("a known number of steps takes the place of the count", () => {
  const { program, run } = lowered(counting, { precision: "highest", capacity: 3, steps: 3 });
  expect(program.arguments.map(({ kind }) => kind)).toEqual(["state", "state", "batch"]);
  expect([...run(3, given).state.total!]).toEqual([25]);
  expect(() => stableHloProgram(counting, { precision: "highest", capacity: 2, steps: 3 })).toThrow(
    "counting: 3 steps do not fit a capacity of 2",
  );
});

test("state that stays is an argument with memory of its own; other state gives its memory to its result", () => {
  const { program, module } = lowered(counting, { precision: "highest", capacity: 3 });
  expect(program.untouched).toEqual(["rate"]);
  expect(program.results.map(({ name }) => name)).toEqual(["total", "seen"]);
  expect(module.aliases).toEqual([undefined, 0, undefined, undefined]);
});

test("equal steps give equal text", () => {
  const text = () => {
    const step = trainingStep(tinyModel(7), { members: 2, batch: 2, length: 5, rows: 3 });
    return stableHloProgram(step, { precision: "bfloat16", capacity: 4 }).text;
  };
  expect(text()).toBe(text());
});

test("the interpreter refuses text that is wrong", () => {
  const { text } = stableHloProgram(trainingStep(tinyModel(7), { members: 2, batch: 2, length: 5, rows: 3 }), {
    precision: "bfloat16",
    capacity: 4,
  });
  const broken = (from: string | RegExp, to: string) => {
    const changed = text.replace(from, to);
    expect(changed).not.toBe(text);
    return () => interpret(changed);
  };
  interpret(text);
  expect(broken("stablehlo.exponential ", "stablehlo.exp ")).toThrow('no operation "exp"');
  expect(broken("contracting_dims = [2] x [1]", "contracting_dims = [1] x [1]")).toThrow("is expected");
  expect(broken(/(stablehlo.multiply .*)f32>/, "$1bf16>")).toThrow("not tensor<");
  expect(broken(" FLOAT :", " SIGNED :")).toThrow("wrong kind of comparison");
  expect(broken("across dimensions = [1, 2]", "across dimensions = [1]")).toThrow("is expected");
  expect(broken("tf.aliasing_output = 0", "tf.aliasing_output = 3")).toThrow("does not fit result 3");
  expect(broken(/stablehlo.return %\w+ : tensor<i1>/, "stablehlo.return %v999 : tensor<i1>")).toThrow("not defined");
  expect(broken("offset_dims = [2]", "offset_dims = [0]")).toThrow("is expected");
});
