// Which engine to use: by name, or the fastest one this machine has.
//
// Engines load when they are asked for: a machine without onnxruntime's binary still has eager tfjs.
import { EngineError } from "./errors.ts";
import type { Engine } from "./types.ts";

export interface EngineSettings {
  /** Processor threads for one program; engines that have only one ignore it. */
  readonly threads?: number;
}

interface Loaded {
  /** What is behind it, with its version. */
  readonly title: string;
  readonly make: (settings: EngineSettings) => Engine;
}

/** Fastest first. */
const loaders = {
  /** Whole steps compiled for onnxruntime, on the CPU. */
  async onnxruntime(): Promise<Loaded> {
    const { onnxruntimeEngine } = await import("./onnxruntime.ts");
    const { env } = await import("onnxruntime-node");
    return { title: `onnxruntime ${env.versions.node} on the CPU`, make: onnxruntimeEngine };
  },
  /** TensorFlow.js operation by operation, on its plain JavaScript backend: slow, and the reference. */
  async eager(): Promise<Loaded> {
    const { eagerEngine } = await import("./eager.ts");
    const { version_core } = await import("@tensorflow/tfjs");
    return { title: `TensorFlow.js ${version_core}, eager, on the CPU`, make: () => eagerEngine() };
  },
} satisfies Record<string, () => Promise<Loaded>>;

export type EngineName = keyof typeof loaders;
export const engineNames = Object.keys(loaders) as EngineName[];

export interface EngineDescription {
  readonly name: EngineName;
  readonly isAvailable: boolean;
  /** Title and version, or why it cannot be used here. */
  readonly detail: string;
}

/** @throws EngineError where the named engine cannot be used here, or, for "auto", none can. */
export async function chooseEngine(name: EngineName | "auto", settings: EngineSettings = {}): Promise<Engine> {
  const reasons: string[] = [];
  for (const candidate of name === "auto" ? engineNames : [name]) {
    try {
      const { make } = await load(candidate);
      return make(settings);
    } catch (error) {
      reasons.push(`${candidate}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new EngineError(`no engine for "${name}": ${reasons.join("; ")}`);
}

/** Every engine, available or not. */
export function describeEngines(): Promise<EngineDescription[]> {
  return Promise.all(
    engineNames.map(async (name) => {
      try {
        return { name, isAvailable: true, detail: (await load(name)).title };
      } catch (error) {
        return { name, isAvailable: false, detail: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
}

function load(name: EngineName): Promise<Loaded> {
  if (!Object.hasOwn(loaders, name)) {
    throw new EngineError(`there is no engine "${name}"; there are ${engineNames.join(", ")}`);
  }
  return loaders[name]();
}
