// Tensor types and literals as StableHLO writes them.
import type { Data, DType, Shape } from "../graph.ts";

export type ElementType = "f32" | "bf16" | "i32" | "i1";

export const elementTypes: Readonly<Record<DType, ElementType>> = { float32: "f32", int32: "i32", bool: "i1" };

export function isFloat(type: ElementType): type is "f32" | "bf16" {
  return type === "f32" || type === "bf16";
}

export function tensorType({ shape, type }: { readonly shape: Shape; readonly type: ElementType }): string {
  return `tensor<${[...shape, type].join("x")}>`;
}

/** The exact value: decimal where six places say it, else the bits. */
export function literal(value: number, type: ElementType): string {
  if (type === "i1") return value === 0 ? "false" : "true";
  if (type === "i32") return String(Math.trunc(value));
  const bits = floatBits(value);
  if (type === "bf16") return hex(roundedBits(bits), 4);
  const single = Math.fround(value);
  const decimal = single.toExponential(6);
  return Number.isFinite(single) && Number(decimal) === single && !Object.is(single, -0) ? decimal : hex(bits, 8);
}

/** The inside of `dense<...>` for many values: the bytes of numbers, nested lists of truth values. */
export function literals(data: Data, shape: Shape, type: ElementType): string {
  if (type === "i1") return nested(data, shape, type);
  const bytes = new DataView(new ArrayBuffer(4 * data.length));
  data.forEach((value, i) => {
    if (type === "i32") bytes.setInt32(4 * i, value, true);
    else bytes.setFloat32(4 * i, value, true);
  });
  return `"0x${Buffer.from(bytes.buffer).toString("hex").toUpperCase()}"`;
}

function nested(data: Data, shape: Shape, type: ElementType): string {
  const [length = 1, ...rest] = shape;
  if (shape.length === 0) return literal(data[0] ?? 0, type);
  const width = data.length / length;
  const parts = Array.from({ length }, (_, i) => nested(data.subarray(i * width, (i + 1) * width), rest, type));
  return `[${parts.join(", ")}]`;
}

function floatBits(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
}

/** The upper half, halves to even; what is not a number stays so. */
function roundedBits(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

function hex(bits: number, digits: number): string {
  return `0x${bits.toString(16).toUpperCase().padStart(digits, "0")}`;
}
