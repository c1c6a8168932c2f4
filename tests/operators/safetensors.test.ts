import { describe, expect, test } from "vitest";
import { numbersOf, readSafetensors, type StoredTensor, writeSafetensors } from "../../operators/safetensors.ts";

const tensors: Record<string, StoredTensor> = {
  narrow: { dtype: "F32", shape: [3], values: Float32Array.of(1, -2.5, 1e-30) },
  matrix: { dtype: "F64", shape: [2, 2], values: Float64Array.of(1, 2, 3, Math.PI) },
  ids: { dtype: "I32", shape: [2, 1], values: Int32Array.of(-1, 2 ** 31 - 1) },
  labels: { dtype: "I64", shape: [1], values: BigInt64Array.of(-100n) },
  scalar: { dtype: "F32", shape: [], values: Float32Array.of(7) },
  none: { dtype: "F32", shape: [0, 4], values: new Float32Array(0) },
};

describe("safetensors", () => {
  test("what was written is read back, names, shapes, types and values", () => {
    expect(readSafetensors(writeSafetensors(tensors, { made: "here" }))).toEqual(tensors);
  });

  test("the file is laid out as the specification says", () => {
    const bytes = writeSafetensors({ a: { dtype: "I32", shape: [2], values: Int32Array.of(1, 258) } });
    const header = '{"a":{"dtype":"I32","shape":[2],"data_offsets":[0,8]}}  ';
    expect(header.length % 8).toBe(0);
    expect([...bytes.subarray(0, 8)]).toEqual([header.length, 0, 0, 0, 0, 0, 0, 0]);
    expect(new TextDecoder().decode(bytes.subarray(8, 8 + header.length))).toBe(header);
    expect([...bytes.subarray(8 + header.length)]).toEqual([1, 0, 0, 0, 2, 1, 0, 0]);
  });

  test("every tensor starts at a multiple of the size of its numbers", () => {
    const bytes = writeSafetensors(tensors);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    for (const [name, { values }] of Object.entries(tensors)) {
      expect(header[name].data_offsets[0] % values.BYTES_PER_ELEMENT, name).toBe(0);
    }
  });

  test("a Node buffer at an odd place in memory is read like any other", () => {
    const bytes = writeSafetensors(tensors);
    const odd = Buffer.alloc(bytes.length + 3);
    odd.set(bytes, 3);
    expect(readSafetensors(odd.subarray(3))).toEqual(tensors);
  });

  test("64-bit integers become numbers, unless a double cannot hold them", () => {
    expect(numbersOf({ dtype: "I64", shape: [2], values: BigInt64Array.of(-100n, 2n ** 40n) })).toEqual(
      Float64Array.of(-100, 2 ** 40),
    );
    expect(() => numbersOf({ dtype: "I64", shape: [1], values: BigInt64Array.of(2n ** 60n) })).toThrow(
      "1152921504606846976 is too large",
    );
  });
});

describe("a broken file is refused with the reason", () => {
  const withHeader = (header: string, data = new Uint8Array(8)) => {
    const text = new TextEncoder().encode(header);
    const bytes = new Uint8Array(8 + text.length + data.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
    bytes.set(text, 8);
    bytes.set(data, 8 + text.length);
    return bytes;
  };

  test.each([
    ["too short", new Uint8Array(5), "has at least 8 bytes, this has 5"],
    ["header beyond the end", Uint8Array.of(255, 0, 0, 0, 0, 0, 0, 0, 1), "said to be 255 bytes long, the file has 9"],
    ["header of absurd size", new Uint8Array(16).fill(255), "said to be 18446744073709551615 bytes long"],
    ["header is no JSON", withHeader("{nonsense"), "JSON"],
    ["header is a list", withHeader("[]"), "not a JSON object"],
    [
      "unknown type",
      withHeader('{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'),
      'tensor "a" has dtype BF16',
    ],
    [
      "prototype as type",
      withHeader('{"a":{"dtype":"toString","shape":[1],"data_offsets":[0,2]}}'),
      "has dtype toString",
    ],
    ["entry is null", withHeader('{"a":null}'), 'tensor "a" has dtype undefined'],
    ["no shape", withHeader('{"a":{"dtype":"F32","data_offsets":[0,4]}}'), 'tensor "a" has no valid shape'],
    ["negative axis", withHeader('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}'), "no valid shape"],
    ["beyond the end", withHeader('{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'), "at bytes 0 to 16"],
    ["shape and bytes differ", withHeader('{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}'), "shape [3]"],
  ])("%s", (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(message);
  });

  test("values that do not fill their shape are not written", () => {
    expect(() => writeSafetensors({ a: { dtype: "F32", shape: [3], values: new Float32Array(2) } })).toThrow(
      'tensor "a" of shape [3] has 2 values',
    );
  });
});
