// A client: the plugin's hold on the devices and their memory.
import { EngineError, failure } from "../errors.ts";
import { Handle } from "./handle.ts";
import type { PjrtLibrary } from "./library.ts";
import { floatSlot, integers, type Slot, slots, slotsAt, text, textAt } from "./memory.ts";
import { headerSlots, namedValueTypes, structs } from "./table.ts";

export interface ClientOptions {
  /** The part of the device's memory that may be taken, in (0, 1]; the plugin's own default unless given. */
  readonly memoryFraction?: number | undefined;
  /** Its number on this machine; default 0. */
  readonly device?: number | undefined;
}

export interface DeviceMemory {
  readonly usedBytes: number;
  readonly peakBytes: number;
  readonly limitBytes: number;
}

export class PjrtClient {
  readonly library: PjrtLibrary;
  /** E.g. "cuda". */
  readonly platform: string;
  readonly platformVersion: string;
  /** The one device that is used, and what it is, e.g. "NVIDIA H200". */
  readonly device: bigint;
  readonly deviceKind: string;
  readonly #handle: Handle;

  private constructor(library: PjrtLibrary, handle: Handle) {
    this.library = library;
    this.#handle = handle;
    const client = handle.address;
    const name = library.call("Client_PlatformName", { client });
    this.platform = textAt(name.platform_name, Number(name.platform_name_size));
    const version = library.call("Client_PlatformVersion", { client });
    this.platformVersion = textAt(version.platform_version, Number(version.platform_version_size));
    const found = library.call("Client_AddressableDevices", { client });
    const [device] = slotsAt(found.addressable_devices, Number(found.num_addressable_devices));
    if (device === undefined) throw new EngineError(`${library.file}: the ${this.platform} client has no device`);
    this.device = device;
    const { device_description } = library.call("Device_GetDescription", { device });
    const kind = library.call("DeviceDescription_Kind", { device_description });
    this.deviceKind = textAt(kind.device_kind, Number(kind.device_kind_size));
  }

  /** @throws EngineError where there is no device or no driver, or the plugin takes none of it. */
  static async create(library: PjrtLibrary, options: ClientOptions = {}): Promise<PjrtClient> {
    const values = namedValues(options);
    let handle: Handle | undefined;
    try {
      const created = await library.callAsync("Client_Create", {
        create_options: slots(values.flat()),
        num_options: values.length,
      });
      handle = new Handle(library, "Client_Destroy", created.client);
      return new PjrtClient(library, handle);
    } catch (error) {
      handle?.destroy();
      throw failure(library.file, "its client does not start", error);
    }
  }

  get address(): bigint {
    return this.#handle.address;
  }

  /** Of the device, as its allocator counts it; undefined where the plugin does not count. */
  memory(): DeviceMemory | undefined {
    try {
      const stats = this.library.call("Device_MemoryStats", { device: this.device });
      return {
        usedBytes: Number(stats.bytes_in_use),
        peakBytes: Number(stats.peak_bytes_in_use),
        limitBytes: Number(stats.bytes_limit),
      };
    } catch {
      return undefined;
    }
  }

  /** Every program must have been disposed of. */
  close(): void {
    this.#handle.destroy();
  }
}

/** Names are those of XLA's GPU plugins. Memory is taken as it is needed: other programs share the device. */
function namedValues({ memoryFraction, device = 0 }: ClientOptions): Slot[][] {
  if (memoryFraction !== undefined && !(memoryFraction > 0 && memoryFraction <= 1)) {
    throw new EngineError(`the memory fraction is ${memoryFraction}, expected a number in (0, 1]`);
  }
  if (!Number.isInteger(device) || device < 0) throw new EngineError(`there is no device ${device}`);
  const values = [
    namedValue("preallocate", namedValueTypes.bool, 0n),
    namedValue("visible_devices", namedValueTypes.int64List, integers([device])),
  ];
  if (memoryFraction !== undefined) {
    values.push(namedValue("memory_fraction", namedValueTypes.float, floatSlot(memoryFraction)));
  }
  return values;
}

/** Lists here have one element, so every `value_size` is 1. */
function namedValue(name: string, type: number, value: Slot): Slot[] {
  const words = text(name);
  return [8 * (headerSlots + structs.NamedValue.length), 0n, words, words.length, type, value, 1];
}
