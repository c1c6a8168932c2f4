// The engine on TensorFlow's C library: eager TensorFlow.js on the backend of tfjs-node or tfjs-node-gpu.
//
// Both are optional peers, whose install downloads that library. Tested with a stand-in of the same interface only.
import * as tf from "@tensorflow/tfjs";
import { eagerEngine } from "./eager.ts";
import { EngineError } from "./errors.ts";
import { tfjsNodePackages } from "./packages.ts";
import type { Engine } from "./types.ts";

/** What either registers when it is loaded. */
const backend = "tensorflow";

/**
 * @param load Imports a package by its name; it registers the backend.
 * @throws EngineError where none can be loaded.
 */
export async function tfjsNodeEngine(load: (name: string) => Promise<unknown> = importPackage): Promise<Engine> {
  const reasons: string[] = [];
  for (const name of tfjsNodePackages) {
    try {
      await load(name);
      if (!tf.findBackend(backend)) throw new Error(`it registered no backend "${backend}"`);
      return { ...eagerEngine({ backend }), name: "tfjs-node" };
    } catch (error) {
      reasons.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  throw new EngineError(`TensorFlow's library cannot be loaded: ${reasons.join("; ")}`);
}

const importPackage = (name: string): Promise<unknown> => import(name);
