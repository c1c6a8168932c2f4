// What the probing process can be asked. Loaded there; elsewhere only its types are.
import type { JobTable } from "./process/jobs.ts";
import { type EngineName, type EngineSettings, engineSources } from "./sources.ts";
import { type VulkanDevice, vulkanDevices } from "./webgpu/vulkan.ts";

export const jobs = {
  async vulkanDevices(_request: undefined): Promise<VulkanDevice[]> {
    return vulkanDevices();
  },

  async startEngine({ name, settings }: { readonly name: EngineName; readonly settings: EngineSettings }) {
    await engineSources[name].start(settings);
  },
} satisfies JobTable;
