// What of onnxruntime is installed here, without loading its library of 46 MB.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { EngineError } from "../errors.ts";
import { installedPackage } from "../packages.ts";

/** @throws EngineError where there is none for this platform. */
export function installedOnnxruntime(): { readonly version: string } {
  const installed = installedPackage("onnxruntime-node");
  if (!installed) throw new EngineError("onnxruntime-node is not installed; install it by: npm ci");
  const binding = join(librariesFolder(), "onnxruntime_binding.node");
  if (!existsSync(binding)) {
    throw new EngineError(`onnxruntime-node ${installed.version} has no library for this platform (${binding})`);
  }
  return { version: installed.version };
}

/** Where the installer puts onnxruntime's CUDA provider, beside its own library. */
export function cudaProvider(): string {
  const name = process.platform === "win32" ? "onnxruntime_providers_cuda.dll" : "libonnxruntime_providers_cuda.so";
  return join(librariesFolder(), name);
}

/** CUDA 12 and cuDNN 9 must be there too. */
export const cudaInstall = "ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js";

function librariesFolder(): string {
  const { folder = "" } = installedPackage("onnxruntime-node") ?? {};
  return join(folder, "bin", "napi-v6", process.platform, process.arch);
}
