import { readdirSync, readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { expect, test } from "vitest";
import { numbersOf, readSafetensors } from "../../../operators/safetensors.ts";
import { adamW, type OptimizerState } from "../../../workers/engine/adamw.ts";
import { describeWith, referenceFolder } from "../../require.ts";
import { expectClose } from "./close.ts";

describeWith("reference", "AdamW against records of torch.optim.AdamW", () => {
  const folder = `${referenceFolder}/training/adamw-cosine`;
  const cases = readdirSync(folder).filter((file) => file.endsWith(".json"));

  test.each(cases)("%s: parameters and moments after every step", (file) => {
    const { config, tolerance } = JSON.parse(readFileSync(`${folder}/${file}`, "utf8"));
    const record = readSafetensors(readFileSync(`${folder}/${file.replace(".json", ".safetensors")}`));
    const numbers = (name: string) => Array.from(numbersOf(record[name]!));
    const rates = numbers("lr_used");
    const initial = numbers("param.initial");
    const size = initial.length;
    const row = (name: string, step: number) => numbers(name).slice(step * size, (step + 1) * size);

    let state: OptimizerState = {
      parameters: tf.tensor2d(initial, [1, size]),
      firstMoments: tf.zeros([1, size]),
      secondMoments: tf.zeros([1, size]),
      stepsTaken: tf.zeros([1]),
    };
    expect(rates.length).toBe(config.steps);
    for (const [step, rate] of rates.entries()) {
      const learningRates = tf.tensor1d([rate]);
      const weightDecays = tf.tensor1d([config.weight_decay]);
      state = adamW(state, tf.tensor2d(row("grads", step), [1, size]), { learningRates, weightDecays });
      const compare = (tensor: tf.Tensor, name: string) => {
        const expected = row(name, step);
        const { rtol, atol } = tolerance.float32;
        expectClose(tensor.dataSync(), expected, atol + rtol * Math.max(...expected.map(Math.abs)));
      };
      compare(state.parameters, "param.after");
      compare(state.firstMoments, "exp_avg");
      compare(state.secondMoments, "exp_avg_sq");
    }
  });
});

test("each member is updated with its own rates and its own count of steps", () => {
  const update = (members: number[]) => {
    const pick = (values: number[]) => members.map((member) => values[member]!);
    const rows = (scale: number) =>
      tf.tensor2d(
        pick([1, 2, 3]).flatMap((m) => [scale * m, -scale * m]),
        [members.length, 2],
      );
    const { parameters } = adamW(
      {
        parameters: rows(1),
        firstMoments: rows(0.1),
        secondMoments: tf.abs(rows(0.01)),
        stepsTaken: tf.tensor1d(pick([0, 3, 90])),
      },
      rows(0.5),
      { learningRates: tf.tensor1d(pick([1e-3, 1e-2, 0.1])), weightDecays: tf.tensor1d(pick([0, 0.1, 0.5])) },
    );
    return Array.from(parameters.dataSync());
  };
  expect(update([0, 1, 2])).toEqual([...update([0]), ...update([1]), ...update([2])]);
});

test("the first step moves a parameter by its learning rate, to float32's precision", () => {
  // m / (1 - b1) = g and sqrt(v / (1 - b2)) = |g|, so the change is lr g / (|g| + eps).
  const { parameters } = adamW(
    {
      parameters: tf.zeros([1, 1]),
      firstMoments: tf.zeros([1, 1]),
      secondMoments: tf.zeros([1, 1]),
      stepsTaken: tf.zeros([1]),
    },
    tf.tensor2d([3], [1, 1]),
    { learningRates: tf.tensor1d([1e-3]), weightDecays: tf.tensor1d([0]) },
  );
  expect(Math.abs(parameters.dataSync()[0]! / -1e-3 - 1)).toBeLessThan(3e-7);
});
