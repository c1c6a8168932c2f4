// How sessions on onnxruntime's WebGPU provider are set up.
import type { InferenceSession } from "onnxruntime-node";

export interface WebGpuSessionOptions {
  /** Refuses a model of which an operation would run on the CPU; default false. */
  readonly strict?: boolean;
}

/** Outputs stay where `to` says; a record says it for each by its name. */
export function sessionOptions(
  to: "cpu" | "gpu-buffer",
  { strict = false }: WebGpuSessionOptions = {},
): InferenceSession.SessionOptions {
  return {
    executionProviders: ["webgpu"],
    preferredOutputLocation: to,
    graphOptimizationLevel: "extended",
    enableMemPattern: false,
    logSeverityLevel: 3,
    extra: { session: { disable_cpu_ep_fallback: strict ? "1" : "0" } },
  };
}
