// Where the engines come from: for each, how to see whether this machine has it, and how to start it.
//
// Looking is cheap: files, and for GPUs a short-lived child process, because a broken driver can end the process that
// asks. Starting loads the libraries.
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { EngineError } from "./errors.ts";
import { nvidiaDevices } from "./nvidia.ts";
import { cudaInstall, cudaProvider, installedOnnxruntime } from "./onnx/installed.ts";
import { installedPackage, tfjsNodePackages } from "./packages.ts";
import { findPlugin } from "./pjrt/find-plugin.ts";
import type { Engine } from "./types.ts";
import { findVulkanDevice } from "./webgpu/find-vulkan.ts";

export interface EngineSettings {
  /** Processor threads for one program; engines that have only one ignore it. */
  readonly threads?: number;
  /** A PJRT plugin's library; searched for in Python's packages unless given. */
  readonly plugin?: string | undefined;
  /** The part of a GPU's memory that PJRT may take, in (0, 1]. */
  readonly memoryFraction?: number | undefined;
  /** Where compiled programs are kept between processes. */
  readonly cacheFolder?: string | undefined;
  /**
   * Of products and activations; state is always float32. "auto": bfloat16 on a GPU through PJRT, else float32.
   * "highest": float32 also where the device multiplies faster with fewer digits. Only PJRT has a choice.
   */
  readonly precision?: Precision | undefined;
}

export const precisions = ["auto", "highest", "float32", "bfloat16"] as const;
export type Precision = (typeof precisions)[number];

export interface Found {
  /** What is behind it, with its version. */
  readonly title: string;
  readonly device?: string | undefined;
  /** The device's own memory. */
  readonly memoryBytes?: number | undefined;
  /** Whether the GPU is only the processor behind a GPU's interface. */
  readonly isSoftware?: boolean;
}

export interface EngineSource {
  /** Whether starting it loads drivers, and those can end the process. */
  readonly loadsDrivers?: boolean;
  /** @throws EngineError naming what is missing and how to install it. */
  find(settings: EngineSettings): Promise<Found>;
  /** @throws where what was found does not work, say for want of a driver. */
  start(settings: EngineSettings): Promise<Engine>;
}

/** Fastest first. */
export const engineSources = {
  /** Whole steps compiled by XLA through a PJRT plugin. */
  pjrt: {
    loadsDrivers: true,
    async find({ plugin }) {
      const file = await findPlugin(plugin);
      const [device] = await nvidiaDevices();
      return { title: `PJRT plugin ${basename(file)}`, device: device?.name, memoryBytes: device?.memoryBytes };
    },
    async start(settings) {
      const { pjrtEngine } = await import("./pjrt/engine.ts");
      return pjrtEngine(settings);
    },
  },

  /** Whole steps on onnxruntime's CUDA provider. */
  cuda: {
    loadsDrivers: true,
    async find() {
      const { version } = installedOnnxruntime();
      if (!existsSync(cudaProvider())) {
        throw new EngineError(`onnxruntime's CUDA provider is not at ${cudaProvider()}; install it by: ${cudaInstall}`);
      }
      const [device] = await nvidiaDevices();
      if (!device) throw new EngineError("there is no NVIDIA GPU, or its driver (nvidia-smi) is not installed");
      return { title: `onnxruntime ${version} on CUDA`, device: device.name, memoryBytes: device.memoryBytes };
    },
    async start() {
      const { cudaEngine } = await import("./cuda.ts");
      return cudaEngine();
    },
  },

  /** Whole steps on onnxruntime's WebGPU provider. */
  webgpu: {
    loadsDrivers: true,
    async find() {
      const { version } = installedOnnxruntime();
      const device = await findVulkanDevice();
      return { title: `onnxruntime ${version} on WebGPU`, ...device };
    },
    async start() {
      const { webgpuEngine } = await import("./webgpu/engine.ts");
      return webgpuEngine();
    },
  },

  /** Whole steps on onnxruntime, on the processor. */
  onnxruntime: {
    async find() {
      return { title: `onnxruntime ${installedOnnxruntime().version} on the CPU` };
    },
    async start({ threads }) {
      const { onnxruntimeEngine } = await import("./onnxruntime.ts");
      return onnxruntimeEngine(threads === undefined ? {} : { threads });
    },
  },

  /** TensorFlow.js operation by operation on TensorFlow's C library. */
  "tfjs-node": {
    async find() {
      const installed = tfjsNodePackages.map(installedPackage).find((found) => found !== undefined);
      if (!installed) {
        throw new EngineError(
          `neither ${tfjsNodePackages.join(" nor ")} is installed; install one by: npm install ${tfjsNodePackages[1]}`,
        );
      }
      return { title: `${installed.name} ${installed.version}, eager` };
    },
    async start() {
      const { tfjsNodeEngine } = await import("./tfjs-node.ts");
      return tfjsNodeEngine();
    },
  },

  /** TensorFlow.js operation by operation on its plain JavaScript backend: slow, and the reference. */
  eager: {
    async find() {
      return { title: `TensorFlow.js ${installedPackage("@tensorflow/tfjs")?.version}, eager, on the CPU` };
    },
    async start() {
      const { eagerEngine } = await import("./eager.ts");
      return eagerEngine();
    },
  },
} satisfies Record<string, EngineSource>;

export type EngineName = keyof typeof engineSources;
export type EngineSources = Readonly<Record<EngineName, EngineSource>>;
