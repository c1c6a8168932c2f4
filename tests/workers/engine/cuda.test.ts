// CUDA through onnxruntime, as far as a machine without its provider goes: it is looked for, its absence is explained, and
// the model it would get is the CPU engine's.

import { existsSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, test, vi } from "vitest";
import { cudaEngine } from "../../../workers/engine/cuda.ts";
import { cudaProvider } from "../../../workers/engine/onnx/installed.ts";
import { onnxruntimeEngine } from "../../../workers/engine/onnxruntime.ts";
import { chooseEngine } from "../../../workers/engine/select.ts";
import { trainingStep } from "../../../workers/engine/steps.ts";
import { batches, tinyModel, trainingData } from "./tiny-model.ts";

const isInstalled = existsSync(cudaProvider());
if (isInstalled) console.warn("skipped: CUDA without its provider: the provider is installed here");

describe.skipIf(isInstalled)("without its provider", () => {
  test("it is not available, and the message says where the provider belongs and how to get it", async () => {
    await expect(chooseEngine("cuda")).rejects.toThrow(
      /no engine for "cuda": .*bin\/napi-v6\/.*providers_cuda.*install it by: ONNXRUNTIME_NODE_INSTALL=cuda12 node /,
    );
  });

  test("starting it is an error that says what it needs, and the process goes on", async () => {
    await expect(cudaEngine()).rejects.toThrow(/CUDA provider does not start: .*it needs CUDA 12 and cuDNN 9/);
  });
});

test("it gets the CPU engine's model, with all steps of a call in one run", async () => {
  const sizes = { members: 2, batch: 3, length: 5, rows: 8 };
  const model = tinyModel(7);
  const step = trainingStep(model, sizes);
  const given: { file: Uint8Array; providers: unknown; runs: number }[] = [];
  const create = ort.InferenceSession.create.bind(ort.InferenceSession) as (
    file: Uint8Array,
    options: ort.InferenceSession.SessionOptions,
  ) => Promise<ort.InferenceSession>;
  // Here the CPU runs what was meant for CUDA.
  const spy = vi.spyOn(ort.InferenceSession, "create").mockImplementation((async (
    file: Uint8Array,
    options: ort.InferenceSession.SessionOptions,
  ) => {
    const session = await create(file, { ...options, executionProviders: ["cpu"] });
    const call = { file, providers: options.executionProviders, runs: 0 };
    given.push(call);
    const run = session.run.bind(session) as (feeds: object) => Promise<never>;
    session.run = ((feeds: object) => {
      call.runs++;
      return run(feeds);
    }) as typeof session.run;
    return session;
  }) as never);
  try {
    const losses = [];
    for (const engine of [onnxruntimeEngine(), onnxruntimeEngine({ provider: "cuda" })]) {
      const program = await engine.compile(step, trainingData(model, sizes));
      losses.push((await program.run(4, batches(4, sizes))).loss);
      await program.dispose();
    }
    const [cpu, cuda] = given;
    expect([cpu?.providers, cuda?.providers]).toEqual([["cpu"], ["cuda"]]);
    expect(cuda?.file).toEqual(cpu?.file);
    expect(cuda?.runs).toBe(1);
    expect(losses[1]).toEqual(losses[0]);
  } finally {
    spy.mockRestore();
  }
});
