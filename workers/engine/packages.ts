// Which packages are installed, without loading them.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";

/** TensorFlow's library for TensorFlow.js; the one for GPUs first: it does what the other does where there is none. */
export const tfjsNodePackages = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"] as const;

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
}

export function installedPackage(name: string): InstalledPackage | undefined {
  try {
    const file = createRequire(import.meta.url).resolve(`${name}/package.json`);
    const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
    return { name, version, folder: dirname(file) };
  } catch {
    return undefined;
  }
}
