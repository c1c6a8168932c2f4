// A loaded plugin: its entries as functions that take fields by name and throw its errors.
import koffi, { type LibraryHandle } from "koffi";
import { EngineError } from "../errors.ts";
import { PjrtError } from "./errors.ts";
import { copyOf, intOf, type Slot, slots, textAt } from "./memory.ts";
import { type EntryName, entries, errorCodes, type Field, headerSlots } from "./table.ts";

// koffi runs asynchronous calls on stacks of its own, of 128 KiB unless told: XLA's compiler overflows those.
const stackBytes = 16 * 2 ** 20;
const hasLargeStacks = () => koffi.config().async_stack_size === stackBytes;
try {
  koffi.config({ sync_stack_size: stackBytes, async_stack_size: stackBytes });
} catch {
  // Too late: koffi has loaded a library. Opening a plugin says so.
}

/** In bytes: the table's struct_size and extension_start, then a struct {size, extension, i32 major, i32 minor}. */
const apiHeader = { size: 40, major: 32, minor: 36 } as const;
const supportedMajor = 0;
/** Args structs may be larger than a plugin's own, so this outlives fields that newer plugins append. */
const argsSlots = 32;

const entryType = koffi.proto("void *PjrtEntry(void *args)");
const deleterType = koffi.proto("void PjrtDeleter(void *object)");

type Native = ((args: BigUint64Array) => bigint | null) & {
  async(args: BigUint64Array, done: (failed: unknown, error: bigint | null) => void): void;
};
export type Arguments<Name extends EntryName> = Partial<Record<Field<Name>, Slot>>;
export type Results<Name extends EntryName> = Readonly<Record<Field<Name>, bigint>>;

export class PjrtLibrary {
  readonly file: string;
  /** Of the C API, e.g. "0.115". */
  readonly version: string;
  readonly #natives: Readonly<Record<EntryName, Native>>;
  /** Args structs of calls under way. */
  readonly #underWay = new Set<unknown>();

  /** @throws EngineError where the file is missing, is no plugin, or speaks another version of the API. */
  constructor(file: string) {
    this.file = file;
    if (!hasLargeStacks()) throw new EngineError(`${file}: koffi loaded another library before, with small stacks`);
    const api = findApi(file);
    const header = new DataView(copyOf(api, apiHeader.size).buffer);
    const [major, minor] = [header.getInt32(apiHeader.major, true), header.getInt32(apiHeader.minor, true)];
    this.version = `${major}.${minor}`;
    if (major !== supportedMajor) {
      throw new EngineError(`${file}: speaks PJRT ${this.version}, expected ${supportedMajor}.x`);
    }
    this.#natives = readTable(file, api, Number(header.getBigUint64(0, true)));
    this.call("Plugin_Initialize", {});
  }

  /** On this thread. */
  call<Name extends EntryName>(name: Name, given: Arguments<Name>): Results<Name> {
    const args = pack(name, given);
    this.#underWay.add(args);
    try {
      this.#check(name, this.#natives[name](args));
      return unpack(name, args);
    } finally {
      this.#underWay.delete(args);
    }
  }

  /** On a thread of libuv's pool, which it holds until it is done; this thread goes on. */
  callAsync<Name extends EntryName>(name: Name, given: Arguments<Name>): Promise<Results<Name>> {
    const args = pack(name, given);
    this.#underWay.add(args);
    return new Promise<Results<Name>>((resolve, reject) => {
      this.#natives[name].async(args, (failed, error) => {
        this.#underWay.delete(args);
        try {
          if (failed) throw failed;
          this.#check(name, error);
          resolve(unpack(name, args));
        } catch (reason) {
          reject(reason);
        }
      });
    });
  }

  /** Calls a function that the plugin gave for freeing an object of its own. */
  free(deleter: bigint, object: bigint): void {
    if (deleter !== 0n) koffi.call(deleter, deleterType, object);
  }

  #check(name: EntryName, error: bigint | null): void {
    if (!error) return;
    const message = pack("Error_Message", { error });
    const code = pack("Error_GetCode", { error });
    this.#natives.Error_Message(message);
    this.#natives.Error_GetCode(code);
    const { message: address, message_size } = unpack<"Error_Message">("Error_Message", message);
    const words = textAt(address, Number(message_size));
    const kind = errorCodes[intOf(unpack<"Error_GetCode">("Error_GetCode", code).code)] ?? "UNKNOWN";
    this.#natives.Error_Destroy(pack("Error_Destroy", { error }));
    throw new PjrtError(name, kind, words);
  }
}

/** koffi unloads a library that is garbage, though its functions are in use and its threads run. */
const loaded = new Set<LibraryHandle>();

function findApi(file: string): bigint {
  let library: LibraryHandle;
  try {
    library = koffi.load(file);
    loaded.add(library);
  } catch (error) {
    throw new EngineError(`${file}: cannot be loaded: ${messageOf(error)}`, { cause: error });
  }
  let find: () => bigint | null;
  try {
    find = library.func("void *GetPjrtApi()");
  } catch (error) {
    throw new EngineError(`${file}: is no PJRT plugin: it exports no GetPjrtApi`, { cause: error });
  }
  const api = find();
  if (!api) throw new EngineError(`${file}: GetPjrtApi returned nothing`);
  return api;
}

function readTable(file: string, api: bigint, tableBytes: number): Readonly<Record<EntryName, Native>> {
  const table = new BigUint64Array(copyOf(api, tableBytes).buffer, apiHeader.size);
  const natives = Object.entries(entries).map(([name, { position }]) => {
    const address = table[position];
    if (!address) throw new EngineError(`${file}: its table of ${tableBytes} bytes has no ${name} (entry ${position})`);
    return [name, koffi.decode(address, entryType)];
  });
  return Object.fromEntries(natives);
}

function pack<Name extends EntryName>(name: Name, given: Arguments<Name>): BigUint64Array {
  const row = entries[name].fields.map((field) => (given as Record<string, Slot>)[field] ?? 0n);
  return slots([argsSlots * 8, 0n, ...row], argsSlots);
}

function unpack<Name extends EntryName>(name: Name, args: BigUint64Array): Results<Name> {
  const fields = entries[name].fields.map((field, i) => [field, args[headerSlots + i] ?? 0n]);
  return Object.fromEntries(fields) as Results<Name>;
}

/** A struct that is passed inside another. */
export function nested(fields: readonly string[], given: Readonly<Record<string, Slot>>, spare = 0): BigUint64Array {
  const length = headerSlots + fields.length + spare;
  return slots([8 * length, 0n, ...fields.map((field) => given[field] ?? 0n)], length);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
