// How sessions on onnxruntime's WebGPU provider are set up.
import type { InferenceSession } from "onnxruntime-node";

export interface WebGpuSessionOptions {
  /** Refuses a model of which an operation would run on the CPU; default false. */
  readonly strict?: boolean;
  /** How much Dawn checks of what onnxruntime asks of it; onnxruntime's own default unless given. */
  readonly validation?: "disabled" | "wgpuOnly" | "basic" | "full" | undefined;
}

/** Outputs stay where `to` says; a record says it for each by its name. */
export function sessionOptions(
  to: "cpu" | "gpu-buffer",
  { strict = false, validation }: WebGpuSessionOptions = {},
): InferenceSession.SessionOptions {
  return {
    executionProviders: [validation ? { name: "webgpu", validationMode: validation } : "webgpu"],
    preferredOutputLocation: to,
    graphOptimizationLevel: "extended",
    enableMemPattern: false,
    logSeverityLevel: 3,
    extra: { session: { disable_cpu_ep_fallback: strict ? "1" : "0" } },
  };
}
