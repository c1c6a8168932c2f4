// The Vulkan devices of this machine, asked of the loader itself. Only for a short-lived child process: drivers are loaded
// here, and a broken one can end the process.
import koffi from "koffi";

export interface VulkanDevice {
  readonly name: string;
  /** Of its own, or what it shares with the processor. */
  readonly memoryBytes: number;
  /** Whether it is the processor behind a GPU's interface. */
  readonly isSoftware: boolean;
}

export const vulkanLoader = process.platform === "win32" ? "vulkan-1.dll" : "libvulkan.so.1";

/** VkPhysicalDeviceType */
const deviceTypes = { integrated: 1, discrete: 2, virtual: 3, processor: 4 } as const;
const fastestFirst: readonly number[] = [deviceTypes.discrete, deviceTypes.integrated, deviceTypes.virtual];
/** VkPhysicalDeviceMemoryProperties: a count and 32 types of 8 bytes, then a count, then 16 heaps of 16 bytes. */
const heaps = { count: 260, first: 264, size: 16, deviceLocal: 1 } as const;

/** Real GPUs first. @throws where there is no loader or no driver. */
export function vulkanDevices(): VulkanDevice[] {
  const vulkan = koffi.load(vulkanLoader);
  const createInstance = vulkan.func("int vkCreateInstance(const void *info, const void *allocator, _Out_ void **out)");
  const destroyInstance = vulkan.func("void vkDestroyInstance(void *instance, const void *allocator)");
  const enumerate = vulkan.func("int vkEnumeratePhysicalDevices(void *instance, _Inout_ uint32_t *count, void *out)");
  const properties = vulkan.func("void vkGetPhysicalDeviceProperties(void *device, void *out)");
  const memory = vulkan.func("void vkGetPhysicalDeviceMemoryProperties(void *device, void *out)");

  const info = Buffer.alloc(64);
  info.writeUInt32LE(1, 0); // VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO
  const created: unknown[] = [null];
  checked("vkCreateInstance", createInstance(info, null, created));
  const [instance] = created;
  try {
    const count = [0];
    checked("vkEnumeratePhysicalDevices", enumerate(instance, count, null));
    const handles = Buffer.alloc(8 * Math.max(1, count[0] ?? 0));
    checked("vkEnumeratePhysicalDevices", enumerate(instance, count, handles));
    const devices = Array.from({ length: count[0] ?? 0 }, (_, i) => {
      const [about, memories] = [Buffer.alloc(2048), Buffer.alloc(1024)];
      const device = handles.readBigUInt64LE(8 * i);
      properties(device, about);
      memory(device, memories);
      return { type: about.readUInt32LE(16), name: textAt(about, 20), memoryBytes: localMemory(memories) };
    });
    const rank = ({ type }: { type: number }) =>
      (fastestFirst.indexOf(type) + fastestFirst.length + 1) % (fastestFirst.length + 1);
    return devices
      .sort((a, b) => rank(a) - rank(b))
      .map(({ type, name, memoryBytes }) => ({ name, memoryBytes, isSoftware: type === deviceTypes.processor }));
  } finally {
    destroyInstance(instance, null);
  }
}

function checked(call: string, result: number): void {
  // VK_INCOMPLETE: a device came up between two calls.
  if (result === 0 || result === 5) return;
  const why = result === -9 ? "no driver works here" : `result ${result}`;
  throw new Error(`${call}: ${why}`);
}

function textAt(buffer: Buffer, offset: number): string {
  return buffer.toString("utf8", offset, buffer.indexOf(0, offset));
}

/** Bytes of the largest heap on the device. */
function localMemory(buffer: Buffer): number {
  const sizes = Array.from({ length: buffer.readUInt32LE(heaps.count) }, (_, i) => {
    const heap = heaps.first + i * heaps.size;
    const isLocal = (buffer.readUInt32LE(heap + 8) & heaps.deviceLocal) !== 0;
    return isLocal ? Number(buffer.readBigUInt64LE(heap)) : 0;
  });
  return Math.max(0, ...sizes);
}
