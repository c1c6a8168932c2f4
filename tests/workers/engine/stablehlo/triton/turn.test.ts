import { describe, expect, test } from "vitest";
import { turn } from "../../../../../workers/engine/stablehlo/kernels/turn.ts";
import { runKernel } from "./interpreter.ts";

const cases: readonly [string, readonly [number, number, number, number]][] = [
  ["whole tiles", [1, 2, 64, 64]],
  ["odd sizes", [2, 3, 9, 70]],
];

describe.each(cases)("%s", (_, sizes) => {
  const [outer, inner, rows, columns] = sizes;
  const straight = Float32Array.from({ length: outer * inner * rows * columns }, (_, i) => i % 251);
  const turned = new Float32Array(straight.length);
  for (let a = 0; a < outer; a++)
    for (let b = 0; b < inner; b++)
      for (let x = 0; x < rows; x++)
        for (let y = 0; y < columns; y++)
          turned[((a * columns + y) * inner + b) * rows + x] = straight[((a * inner + b) * rows + x) * columns + y]!;

  test.each(["f32", "bf16"] as const)("%s, there and back", (element) => {
    const [there, back] = [new Float32Array(straight.length), new Float32Array(straight.length)];
    runKernel(turn({ sizes, element }), [straight, there]);
    runKernel(turn({ sizes, element }, true), [turned, back]);
    expect(there).toEqual(turned);
    expect(back).toEqual(straight);
  });
});
