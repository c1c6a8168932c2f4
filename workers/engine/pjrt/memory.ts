// Memory that a plugin reads and writes: it must not move and must live until the plugin has done with it.
//
// All of it is off V8's heap (`new ArrayBuffer`), because typed arrays of up to 64 bytes may lie on the heap, which moves.
import koffi from "koffi";

export type Memory = BigUint64Array | BigInt64Array | Uint8Array | Float32Array | Int32Array;
/** What fits a slot of 8 bytes; for memory, its address. */
export type Slot = bigint | number | Memory;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An array of addresses keeps alive what it points at. */
const behind = new WeakMap<Memory, readonly Slot[]>();

export function slots(values: readonly Slot[], length = values.length): BigUint64Array {
  const memory = new BigUint64Array(new ArrayBuffer(8 * Math.max(1, length)));
  values.forEach((value, i) => {
    memory[i] = asSlot(value);
  });
  behind.set(memory, values);
  return memory;
}

export function asSlot(value: Slot): bigint {
  if (typeof value === "bigint") return value;
  return typeof value === "number" ? BigInt.asUintN(64, BigInt(value)) : addressOf(value);
}

export function addressOf(memory: Memory): bigint {
  return koffi.address(memory);
}

export function integers(values: readonly number[]): BigInt64Array {
  const memory = new BigInt64Array(new ArrayBuffer(8 * Math.max(1, values.length)));
  values.forEach((value, i) => {
    memory[i] = BigInt(value);
  });
  return memory;
}

export function text(value: string): Uint8Array {
  return bytes(encoder.encode(value));
}

export function bytes(value: Uint8Array): Uint8Array {
  const memory = new Uint8Array(new ArrayBuffer(Math.max(8, value.length)), 0, value.length);
  memory.set(value);
  return memory;
}

/** The array itself where it cannot move, else a copy. */
export function pinned<Numbers extends Float32Array | Int32Array>(array: Numbers): Numbers {
  if (array.byteLength > 64) return array;
  const copy =
    array instanceof Int32Array ? new Int32Array(new ArrayBuffer(64)) : new Float32Array(new ArrayBuffer(64));
  copy.set(array);
  return copy.subarray(0, array.length) as Numbers;
}

/** A number as the four bytes of a C float. */
export function floatSlot(value: number): bigint {
  return BigInt(new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0);
}

export function copyOf(address: bigint, length: number): Uint8Array<ArrayBuffer> {
  return length === 0 ? new Uint8Array() : new Uint8Array(koffi.view(address, length).slice(0));
}

export function textAt(address: bigint, length: number): string {
  return decoder.decode(copyOf(address, length));
}

export function slotsAt(address: bigint, length: number): bigint[] {
  return [...new BigUint64Array(copyOf(address, 8 * length).buffer)];
}

/** An int or enum fills half of its slot; the rest is undefined. */
export function intOf(slot: bigint): number {
  return Number(BigInt.asIntN(32, slot));
}
