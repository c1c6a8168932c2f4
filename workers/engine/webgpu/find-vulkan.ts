// Whether this machine has a GPU for WebGPU, found out without loading a driver into this process.
import { EngineError } from "../errors.ts";
import { askProbe } from "../probe.ts";
import type { VulkanDevice } from "./vulkan.ts";

const install =
  "install the loader (Debian: libvulkan1) and the GPU's driver (NVIDIA's brings one; others: mesa-vulkan-drivers)";

export type WebGpuDevice = { readonly device: string; readonly memoryBytes?: number; readonly isSoftware?: boolean };

/**
 * The best device. On macOS and Windows, where WebGPU does not stand on Vulkan, only its interface is known.
 *
 * @throws EngineError where there is none.
 */
export async function findVulkanDevice(): Promise<WebGpuDevice> {
  if (process.platform === "darwin") return { device: "Metal" };
  if (process.platform === "win32") return { device: "Direct3D 12" };
  let devices: readonly VulkanDevice[];
  try {
    devices = await askProbe("vulkanDevices", undefined);
  } catch (error) {
    throw new EngineError(`Vulkan does not work: ${(error as Error).message}; ${install}`, { cause: error });
  }
  const [best] = devices;
  if (!best) throw new EngineError(`Vulkan has no device; ${install}`);
  const { name, memoryBytes, isSoftware } = best;
  return { device: name, memoryBytes, isSoftware };
}
