import { expect, test } from "vitest";
import { literal } from "../../../../workers/engine/stablehlo/types.ts";

// Bit patterns from IEEE 754: 8 bits of exponent with offset 127, then 23 bits (f32) or 7 (bf16).
test.each([
  [0.5, "5.000000e-1"],
  [1 / 3, "0x3EAAAAAB"],
  [-0, "0x80000000"],
  [Number.NEGATIVE_INFINITY, "0xFF800000"],
  [Number.NaN, "0x7FC00000"],
])("%d is the f32 literal %s", (value, text) => {
  expect(literal(value, "f32")).toBe(text);
});

test.each([
  [1, "0x3F80"],
  [1 + 2 ** -8, "0x3F80"], // halfway: to the even one below
  [1 + 3 * 2 ** -8, "0x3F82"], // halfway: to the even one above
  [1 + 2 ** -8 + 2 ** -20, "0x3F81"],
  [Number.NEGATIVE_INFINITY, "0xFF80"],
  [Number.NaN, "0x7FC0"],
])("%d is the bf16 literal %s", (value, text) => {
  expect(literal(value, "bf16")).toBe(text);
});
