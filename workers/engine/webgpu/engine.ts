// The engine on onnxruntime's WebGPU provider: any GPU with a Vulkan driver, nothing to install but that.
//
// The same graph as on the CPU, one step per call of onnxruntime and not in a Loop: a Loop runs on the CPU and would copy
// the state there and back. `run` blocks the thread it is called on, like the CPU engine's.
import * as ort from "onnxruntime-node";
import { EngineError, failure } from "../errors.ts";
import { stepModel } from "../onnx/program.ts";
import { webgpuLowerings } from "../onnx/webgpu-lowerings.ts";
import { rolesOf, traceStep } from "../onnxruntime.ts";
import type { Engine } from "../types.ts";
import { checkStep, checkValues } from "../values.ts";
import { copied, copier, disposeAll, hostTensors } from "./copies.ts";
import { WebGpuProgram } from "./program.ts";
import { sessionOptions, type WebGpuSessionOptions } from "./session.ts";

/** @throws EngineError where there is no GPU, or none that onnxruntime takes. */
export async function webgpuEngine(options: WebGpuSessionOptions = {}): Promise<Engine> {
  await checkDevice(options);
  return {
    name: "webgpu",
    async compile(step, initial) {
      checkStep(step);
      checkValues(step, "state", step.state, initial.state);
      checkValues(step, "constant", step.constants, initial.constants);
      const graph = traceStep(step);
      const roles = rolesOf(step, graph);
      const { file } = stepModel(graph, roles, webgpuLowerings);
      let program: WebGpuProgram | undefined;
      try {
        const session = await ort.InferenceSession.create(file, sessionOptions("gpu-buffer", options));
        program = new WebGpuProgram(step, roles, session);
        await program.setConstants(initial.constants);
        await program.setState(initial.state);
        return program;
      } catch (error) {
        await program?.dispose();
        throw failure(step.name, "onnxruntime's WebGPU provider refused the compiled step", error);
      }
    },
  };
}

/** Two numbers there and back. The first session of a process decides how its device is set up. */
async function checkDevice(options: WebGpuSessionOptions): Promise<void> {
  const specs = { x: { shape: [2], dtype: "float32" } } as const;
  try {
    const upload = await copier(specs, "gpu-buffer", options);
    const download = await copier(specs, "cpu", options);
    const there = await copied(upload, specs, hostTensors(specs, { x: Float32Array.of(1, 2) }));
    const { x } = await copied(download, specs, there);
    disposeAll(Object.values(there));
    for (const session of [upload, download]) await session.release();
    if (String(x?.data) !== "1,2") throw new Error(`1,2 came back from the GPU as ${x?.data}`);
  } catch (error) {
    throw new EngineError(`WebGPU does not start: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}
