// The WebGPU engine on the Vulkan driver there is, in CI a software one: what every engine must do, every operator beside the
// CPU engine, and that the state stays on the GPU.
import * as tf from "@tensorflow/tfjs";
import * as ort from "onnxruntime-node";
import { describe, expect, test, vi } from "vitest";
import { paletteEntry } from "../../../genome/index.ts";
import { buildModel } from "../../../operators/model.ts";
import type { Model } from "../../../operators/types.ts";
import { onnxruntimeEngine } from "../../../workers/engine/onnxruntime.ts";
import { selectEngine } from "../../../workers/engine/select.ts";
import { evaluationStep, trainingStep } from "../../../workers/engine/steps.ts";
import type { Engine, Step, Values } from "../../../workers/engine/types.ts";
import type { Tensors } from "../../../workers/engine/webgpu/copies.ts";
import { webgpuEngine } from "../../../workers/engine/webgpu/engine.ts";
import { baseVariants, type Variant } from "../../operators/variants.ts";
import { describeWith, vulkanDriver } from "../../require.ts";
import { expectClose } from "./close.ts";
import { engineContract } from "./contract.ts";
import { batches, tinyModel, trainingData } from "./tiny-model.ts";

const shape = { width: 16, length: 9 };

function modelOf({ name, options }: Variant): Model {
  const ungrouped = { featurizerGroup: 1, featurizerStrategy: 1, featureGroup: 1, featureStrategy: 1 };
  const segment = { liv: paletteEntry(name).liv, ...ungrouped, options };
  return buildModel({ segments: [segment] }, { backbone: "language-model", ...shape, vocabulary: 11 });
}

describeWith("vulkan", "the WebGPU engine", () => {
  process.env.VK_ICD_FILENAMES ??= vulkanDriver();

  // Strict: an operation that would run on the CPU is refused.
  let started: Promise<Engine> | undefined;
  const webgpu: Engine = {
    name: "webgpu",
    async compile(step, initial) {
      started ??= webgpuEngine({ strict: true });
      return (await started).compile(step, initial);
    },
  };

  describe("as an engine", () => engineContract(webgpu));

  const sizes = { members: 2, batch: 2, length: shape.length, rows: 6 };

  async function both(step: Step, initial: Parameters<Engine["compile"]>[1], steps: number): Promise<[Values, Values]> {
    const results: Values[] = [];
    for (const engine of [onnxruntimeEngine(), webgpu]) {
      const program = await engine.compile(step, initial);
      results.push(await program.run(steps, batches(steps, sizes)));
      await program.dispose();
    }
    return results as [Values, Values];
  }

  test.each(baseVariants(shape))("$title trains on the GPU as on the CPU", async (variant) => {
    const model = modelOf(variant);
    const [cpu, gpu] = await both(trainingStep(model, sizes), trainingData(model, sizes, 5e-4), 3);
    expectClose(gpu.loss, cpu.loss, 1e-5 * Math.min(...(cpu.loss ?? [])));
  });

  test("an evaluation gives the same losses and predictions", async () => {
    const [variant] = baseVariants(shape);
    const model = modelOf(variant as Variant);
    const { state, constants } = trainingData(model, sizes);
    const initial = { state: pick(state, "parameters"), constants: pick(constants, "inputs", "targets") };
    const [cpu, gpu] = await both(evaluationStep(model, sizes), initial, 3);
    expectClose(gpu.loss, cpu.loss, 1e-5 * Math.min(...(cpu.loss ?? [])));
    expect(gpu.predictions).toEqual(cpu.predictions);
  });

  test("during a call only the batches and the outputs cross the host", async () => {
    const model = tinyModel(7);
    const crossed = { in: 0, out: 0 };
    const create = ort.InferenceSession.create.bind(ort.InferenceSession) as (
      ...given: unknown[]
    ) => Promise<ort.InferenceSession>;
    const spy = vi.spyOn(ort.InferenceSession, "create").mockImplementation(async (...given: unknown[]) => {
      const session = await create(...given);
      const run = session.run.bind(session) as (feeds: Tensors) => Promise<Tensors>;
      session.run = (async (feeds: Tensors) => {
        crossed.in += hostBytes(feeds);
        const results = await run(feeds);
        crossed.out += hostBytes(results);
        return results;
      }) as typeof session.run;
      return session;
    });
    const program = await webgpu.compile(trainingStep(model, sizes), trainingData(model, sizes));
    spy.mockRestore();
    Object.assign(crossed, { in: 0, out: 0 });
    await program.run(4, batches(4, sizes));
    // Four steps of int32 [P, B]; what they return is read back together, by another session.
    expect(crossed).toEqual({ in: 4 * 4 * sizes.members * sizes.batch, out: 0 });
    await program.dispose();
  });

  test("sine and cosine are as exact as float32, far from zero too", async () => {
    const x = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) / 20);
    const spec = { shape: [x.length], dtype: "float32" } as const;
    const step: Step = {
      name: "waves",
      state: {},
      constants: { x: spec },
      batch: {},
      outputs: { sine: spec, cosine: spec },
      apply: ({ x }) => ({ sine: tf.sin(x as tf.Tensor), cosine: tf.cos(x as tf.Tensor) }),
    };
    const program = await webgpu.compile(step, { state: {}, constants: { x } });
    const { sine, cosine } = await program.run(1, {});
    await program.dispose();
    expectClose(sine, Array.from(x, Math.sin), 3e-7);
    expectClose(cosine, Array.from(x, Math.cos), 3e-7);
  });

  test("the largest of equal values is the first", async () => {
    const logits = Float32Array.of(1, 3, 3, 2, 0, 0, 0, 0, -1, -2, -3, -1);
    const step: Step = {
      name: "largest",
      state: {},
      constants: { logits: { shape: [3, 4], dtype: "float32" } },
      batch: {},
      outputs: { places: { shape: [3], dtype: "int32" } },
      apply: ({ logits }) => ({ places: tf.argMax(logits as tf.Tensor, -1) }),
    };
    const program = await webgpu.compile(step, { state: {}, constants: { logits } });
    expect([...((await program.run(1, {})).places ?? [])]).toEqual([1, 0, 0]);
    await program.dispose();
  });

  test("a process of its own finds the device and starts on it", async () => {
    const { found } = await selectEngine("webgpu");
    expect(found.title).toMatch(/^onnxruntime \d+\.\d+\.\d+ on WebGPU$/);
    expect(found.device).not.toBe("");
    expect(found.memoryBytes).toBeGreaterThan(0);
  });

  test("a driver that does not load is an error that says what to install", async () => {
    vi.resetModules(); // what was found out is kept
    vi.stubEnv("VK_ICD_FILENAMES", "/no/such/driver.json");
    vi.stubEnv("VK_DRIVER_FILES", "/no/such/driver.json");
    const { chooseEngine } = await import("../../../workers/engine/select.ts");
    await expect(chooseEngine("webgpu")).rejects.toThrow(
      /no engine for "webgpu": Vulkan does not work: vkCreateInstance: no driver works here; install the loader/,
    );
    vi.unstubAllEnvs();
  });
});

/** Bytes of the tensors that lie in the host's memory. */
function hostBytes(tensors: Tensors): number {
  return Object.values(tensors)
    .filter(({ location }) => location === "cpu")
    .reduce((sum, { data }) => sum + (data as Float32Array).byteLength, 0);
}

function pick(values: Values, ...names: string[]): Values {
  return Object.fromEntries(names.map((name) => [name, values[name] as Float32Array]));
}
