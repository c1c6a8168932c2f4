// A compiled module on the device.
import type { PjrtBuffer } from "./buffer.ts";
import type { PjrtClient } from "./client.ts";
import { withModuleLine } from "./errors.ts";
import { Event } from "./event.ts";
import { Handle } from "./handle.ts";
import { nested } from "./library.ts";
import { bytes, copyOf, integers, slots, text } from "./memory.ts";
import { structs } from "./table.ts";

/** ExecuteOptions grows from version to version; zeros are the defaults. */
const spareOptionSlots = 16;

export interface CompiledMemory {
  readonly argumentBytes: number;
  readonly outputBytes: number;
  /** Of the outputs, what takes the place of arguments. */
  readonly aliasBytes: number;
  readonly temporaryBytes: number;
}

export class PjrtExecutable {
  readonly outputs: number;
  readonly #client: PjrtClient;
  readonly #loaded: Handle;
  readonly #described: Handle;

  private constructor(client: PjrtClient, address: bigint) {
    const { library } = client;
    this.#client = client;
    this.#loaded = new Handle(library, "LoadedExecutable_Destroy", address);
    const { executable } = library.call("LoadedExecutable_GetExecutable", { loaded_executable: address });
    this.#described = new Handle(library, "Executable_Destroy", executable);
    this.outputs = Number(library.call("Executable_NumOutputs", { executable }).num_outputs);
  }

  /** @throws EngineError with the plugin's message and the line of the module that it points at. */
  static async compile(client: PjrtClient, module: string, options: Uint8Array): Promise<PjrtExecutable> {
    const code = text(module);
    const format = text("mlir");
    const program = { code, code_size: code.length, format, format_size: format.length };
    try {
      const { executable } = await client.library.callAsync("Client_Compile", {
        client: client.address,
        program: nested(structs.Program, program),
        compile_options: bytes(options),
        compile_options_size: options.length,
      });
      return new PjrtExecutable(client, executable);
    } catch (error) {
      throw withModuleLine(error, module);
    }
  }

  /** @throws PjrtError where the plugin does not take it, say from another version. */
  static async load(client: PjrtClient, serialized: Uint8Array): Promise<PjrtExecutable> {
    const { loaded_executable } = await client.library.callAsync("Executable_DeserializeAndLoad", {
      client: client.address,
      serialized_executable: bytes(serialized),
      serialized_executable_size: serialized.length,
    });
    return new PjrtExecutable(client, loaded_executable);
  }

  serialize(): Uint8Array {
    const { library } = this.#client;
    const made = library.call("Executable_Serialize", { executable: this.#described.address });
    const copy = copyOf(made.serialized_bytes, Number(made.serialized_bytes_size));
    library.free(made.serialized_executable_deleter, made.serialized_executable);
    return copy;
  }

  /** As the compiler planned it; undefined where the plugin does not tell. */
  memory(): CompiledMemory | undefined {
    try {
      const { library } = this.#client;
      const stats = library.call("Executable_GetCompiledMemoryStats", { executable: this.#described.address });
      return {
        argumentBytes: Number(stats.argument_size_in_bytes),
        outputBytes: Number(stats.output_size_in_bytes),
        aliasBytes: Number(stats.alias_size_in_bytes),
        temporaryBytes: Number(stats.temp_size_in_bytes),
      };
    } catch {
      return undefined;
    }
  }

  /**
   * Enqueues one execution; it runs after those enqueued before it. Arguments that the module donates are gone then,
   * except those that `keep` names by position.
   */
  execute(given: readonly PjrtBuffer[], keep: readonly number[] = []): { outputs: bigint[]; done: Event } {
    const { library } = this.#client;
    const results = slots([], this.outputs);
    const event = slots([0n]);
    const options = { non_donatable_input_indices: integers(keep), num_non_donatable_input_indices: keep.length };
    library.call("LoadedExecutable_Execute", {
      executable: this.#loaded.address,
      options: nested(structs.ExecuteOptions, options, spareOptionSlots),
      argument_lists: slots([slots(given.map(({ address }) => address))]),
      num_devices: 1,
      num_args: given.length,
      output_lists: slots([results]),
      device_complete_events: event,
    });
    return { outputs: [...results.subarray(0, this.outputs)], done: new Event(library, event[0] ?? 0n, undefined) };
  }

  destroy(): void {
    this.#described.destroy();
    this.#loaded.destroy();
  }
}
