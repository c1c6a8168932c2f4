// What every engine must do, and that they agree.
import { describe, expect, test } from "vitest";
import { eagerEngine } from "../../../workers/engine/eager.ts";
import { onnxruntimeEngine } from "../../../workers/engine/onnxruntime.ts";
import { trainingStep } from "../../../workers/engine/steps.ts";
import { expectClose } from "./close.ts";
import { engineContract } from "./contract.ts";
import { batches, tinyModel, trainingData } from "./tiny-model.ts";

const model = tinyModel(7);
const sizes = { members: 2, batch: 3, length: 5, rows: 8 };
const step = trainingStep(model, sizes);

test("onnxruntime agrees with eager tfjs over 20 steps of training", async () => {
  const data = trainingData(model, sizes);
  const losses = [];
  for (const engine of [eagerEngine(), onnxruntimeEngine()]) {
    const program = await engine.compile(step, data);
    losses.push((await program.run(20, batches(20, sizes))).loss as Float32Array);
    await program.dispose();
  }
  const [eager, traced] = losses as [Float32Array, Float32Array];
  expect(eager).toHaveLength(40);
  expectClose(traced, eager, 1e-5 * Math.min(...eager));
});

test("two threads give what one gives", async () => {
  const run = async (threads: number) => {
    const program = await onnxruntimeEngine({ threads }).compile(step, trainingData(model, sizes));
    const { loss } = await program.run(5, batches(5, sizes));
    await program.dispose();
    return loss as Float32Array;
  };
  const [one, two] = [await run(1), await run(2)];
  expectClose(two, one, 1e-5);
});

describe.each([eagerEngine(), onnxruntimeEngine()])("$name", engineContract);
