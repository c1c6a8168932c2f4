// The engine on onnxruntime's CUDA provider: the CPU engine's model, whose Loop runs N steps per call. From Node the state
// cannot stay on the card between calls, so it crosses the bus once per call, not once per step.
//
// Not run on hardware yet: selection and graph are what is tested.
import * as ort from "onnxruntime-node";
import { EngineError } from "./errors.ts";
import { modelFile, OnnxGraph } from "./onnx/model.ts";
import { onnxruntimeEngine, sessionOptions } from "./onnxruntime.ts";
import type { Engine } from "./types.ts";

/** @throws EngineError where the provider, CUDA or cuDNN does not load. */
export async function cudaEngine(): Promise<Engine> {
  try {
    const session = await ort.InferenceSession.create(smallestModel(), sessionOptions({ provider: "cuda" }));
    await session.release();
  } catch (error) {
    throw new EngineError(
      `onnxruntime's CUDA provider does not start: ${error instanceof Error ? error.message : error}; it needs CUDA 12 and cuDNN 9`,
      { cause: error },
    );
  }
  return onnxruntimeEngine({ provider: "cuda" });
}

function smallestModel(): Uint8Array {
  const onnx = new OnnxGraph();
  onnx.input("x", "float32", [1]);
  onnx.op("Exp", ["x"], { outputs: ["y"] });
  onnx.output("y", "float32", [1]);
  return modelFile(onnx);
}
