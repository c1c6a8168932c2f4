// The engine on TensorFlow's library. That library cannot be downloaded everywhere, so a stand-in registers its backend
// on the plain one: what is tested is the loading, not TensorFlow.
import * as tf from "@tensorflow/tfjs";
import { afterEach, describe, expect, test } from "vitest";
import { tfjsNodeEngine } from "../../../workers/engine/tfjs-node.ts";
import type { Engine } from "../../../workers/engine/types.ts";
import { engineContract } from "./contract.ts";

/** Registers the backend as tfjs-node does when it is imported. */
function registerStandIn(): void {
  const plain = tf.findBackendFactory("cpu");
  tf.registerBackend("tensorflow", plain);
  for (const kernel of tf.getKernelsForBackend("cpu")) tf.registerKernel({ ...kernel, backendName: "tensorflow" });
}

function removeStandIn(): void {
  if (!tf.findBackendFactory("tensorflow")) return;
  for (const { kernelName } of tf.getKernelsForBackend("tensorflow")) tf.unregisterKernel(kernelName, "tensorflow");
  tf.removeBackend("tensorflow");
}

describe("loading", () => {
  afterEach(removeStandIn);

  test("takes the package for GPUs where it is installed", async () => {
    const asked: string[] = [];
    const engine = await tfjsNodeEngine(async (name) => {
      asked.push(name);
      registerStandIn();
    });
    expect(engine.name).toBe("tfjs-node");
    expect(asked).toEqual(["@tensorflow/tfjs-node-gpu"]);
  });

  test("takes the other where that is missing or broken", async () => {
    const asked: string[] = [];
    await tfjsNodeEngine(async (name) => {
      asked.push(name);
      if (name.endsWith("-gpu")) throw new Error("libcudart.so.11.0: cannot open shared object file");
      registerStandIn();
    });
    expect(asked).toEqual(["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"]);
  });

  test("says of both why they cannot be loaded", async () => {
    const failing = tfjsNodeEngine((name) => Promise.reject(new Error(`Cannot find package '${name}'`)));
    await expect(failing).rejects.toThrow(
      "TensorFlow's library cannot be loaded: @tensorflow/tfjs-node-gpu: Cannot find package '@tensorflow/tfjs-node-gpu'; " +
        "@tensorflow/tfjs-node: Cannot find package '@tensorflow/tfjs-node'",
    );
  });

  test("a package that registers nothing is refused", async () => {
    await expect(tfjsNodeEngine(async () => ({}))).rejects.toThrow('it registered no backend "tensorflow"');
  });
});

describe("as an engine, on the stand-in", () => {
  let started: Promise<Engine> | undefined;
  engineContract({
    name: "tfjs-node",
    async compile(step, initial) {
      started ??= tfjsNodeEngine(async () => registerStandIn());
      const program = await (await started).compile(step, initial);
      expect(tf.getBackend()).toBe("tensorflow");
      return program;
    },
  });
});
