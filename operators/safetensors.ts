// The safetensors file layout: 8 bytes with the header's length, a JSON header, then the raw tensors.
//
// Specification: github.com/huggingface/safetensors. Little-endian throughout, like every machine Node runs on.
import { sizeOf } from "./initialize.ts";

const arrays = {
  F64: Float64Array,
  I64: BigInt64Array,
  F32: Float32Array,
  I32: Int32Array,
} as const;

type StoredType = keyof typeof arrays;
type ArrayOf<D extends StoredType> = InstanceType<(typeof arrays)[D]>;

export type StoredTensor = {
  [D in StoredType]: { readonly dtype: D; readonly shape: readonly number[]; readonly values: ArrayOf<D> };
}[StoredType];

/** Throws an Error that names the tensor and what is wrong with it. */
export function readSafetensors(bytes: Uint8Array): Record<string, StoredTensor> {
  const { header, data } = splitHeader(bytes);
  const tensors: Record<string, StoredTensor> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (name !== "__metadata__") tensors[name] = readTensor(name, entry, data);
  }
  return tensors;
}

/** Tensors are laid out by falling size of their numbers, so that each starts at a multiple of it. */
export function writeSafetensors(
  tensors: Readonly<Record<string, StoredTensor>>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const ordered = Object.entries(tensors).sort(
    ([, a], [, b]) => b.values.BYTES_PER_ELEMENT - a.values.BYTES_PER_ELEMENT,
  );
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  let end = 0;
  for (const [name, { dtype, shape, values }] of ordered) {
    if (sizeOf(shape) !== values.length) {
      throw new Error(`tensor "${name}" of shape [${shape}] has ${values.length} values`);
    }
    header[name] = { dtype, shape, data_offsets: [end, end + values.byteLength] };
    end += values.byteLength;
  }

  const text = new TextEncoder().encode(JSON.stringify(header));
  const padded = 8 * Math.ceil(text.length / 8);
  const bytes = new Uint8Array(8 + padded + end).fill(0x20, 8 + text.length, 8 + padded);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(text, 8);
  let offset = 8 + padded;
  for (const [, { values }] of ordered) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    offset += values.byteLength;
  }
  return bytes;
}

/** The values as plain numbers; 64-bit integers must be exact in a double. */
export function numbersOf({ values }: StoredTensor): Float32Array | Float64Array | Int32Array {
  if (!(values instanceof BigInt64Array)) return values;
  return Float64Array.from(values, (value) => {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new Error(`${value} is too large for a double`);
    return number;
  });
}

function splitHeader(bytes: Uint8Array): { header: Record<string, unknown>; data: Uint8Array } {
  if (bytes.length < 8) throw new Error(`a safetensors file has at least 8 bytes, this has ${bytes.length}`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(bytes.length - 8)) {
    throw new Error(`the header is said to be ${length} bytes long, the file has ${bytes.length}`);
  }
  const start = 8 + Number(length);
  const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, start)));
  if (typeof header !== "object" || header === null || Array.isArray(header)) {
    throw new Error("the header is not a JSON object");
  }
  return { header: header as Record<string, unknown>, data: bytes.subarray(start) };
}

function readTensor(name: string, entry: unknown, data: Uint8Array): StoredTensor {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  if (typeof dtype !== "string" || !Object.hasOwn(arrays, dtype)) {
    throw new Error(`tensor "${name}" has dtype ${dtype}; read are ${Object.keys(arrays).join(", ")}`);
  }
  if (!isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
    throw new Error(`tensor "${name}" has no valid shape and data_offsets`);
  }
  const [begin = 0, end = 0] = offsets;
  const ArrayType = arrays[dtype as StoredType];
  if (end > data.length || end - begin !== sizeOf(shape) * ArrayType.BYTES_PER_ELEMENT) {
    throw new Error(`tensor "${name}" of shape [${shape}] and dtype ${dtype} cannot lie at bytes ${begin} to ${end}`);
  }
  // Copied by the constructor: the slice of a Node Buffer would share its memory, at an offset that need not be aligned.
  const values = new ArrayType(new Uint8Array(data.subarray(begin, end)).buffer);
  return { dtype, shape, values } as StoredTensor;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
