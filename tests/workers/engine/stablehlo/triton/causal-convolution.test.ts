// The causal convolution kernels, interpreted, against loops written from the equation.
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../../../../genome/random.ts";
import {
  type ConvolutionShape,
  causalConvolution,
  causalConvolutionBackward,
  causalConvolutionFilterGradient,
  filterGradientRows,
} from "../../../../../workers/engine/stablehlo/kernels/causal-convolution.ts";
import { distance } from "../distance.ts";
import { drawn, normal, plain, type Tensor, unwritten } from "./arrays.ts";
import { runKernel } from "./interpreter.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

type Sizes = Omit<ConvolutionShape, "element">;
const cases: readonly [string, Sizes][] = [
  ["odd sizes", { systems: 3, batch: 5, length: 9 }],
  ["one token of one sequence", { systems: 2, batch: 1, length: 1 }],
  ["as many tokens as a tile, as many sequences", { systems: 2, batch: 16, length: 64 }],
  ["a window that just holds all lags", { systems: 1, batch: 3, length: 96 }],
  ["a lag more than the window holds", { systems: 1, batch: 3, length: 97 }],
  ["whole tiles", { systems: 2, batch: 2, length: 128 }],
  ["several tiles and a rest", { systems: 2, batch: 3, length: 210 }],
  ["more sequences than one program takes", { systems: 2, batch: 131, length: 17 }],
];
const tolerances = { f32: 1e-6, bf16: 1e-2 };

describe.each(cases)("%s", (_, sizes) => {
  describe.each(["f32", "bf16"] as const)("%s", (element) => {
    const shape: ConvolutionShape = { ...sizes, element };
    const { systems, batch, length } = sizes;
    const [taps, rows] = [
      [systems, length],
      [systems, batch, length],
    ] as const;
    const given = () => {
      const random = new Random("convolution");
      const draw = (sizes: readonly number[], name: string) => drawn(sizes, element, normal(random.split(name)));
      return { filter: draw(taps, "filter"), x: draw(rows, "x"), dy: draw(rows, "dy") };
    };

    test("forward", () => {
      const { filter, x } = given();
      const y = unwritten(rows);
      runKernel(causalConvolution(shape), [filter.values, x.values, y.values]);
      expect(distance(y.values, reference("CausalConvolution", { filter, x }))).toBeLessThan(tolerances[element]);
    });

    test("the gradient of the input", () => {
      const { filter, x, dy } = given();
      const dx = unwritten(rows);
      runKernel(causalConvolutionBackward(shape), [filter.values, dy.values, dx.values]);
      const expected = reference("CausalConvolutionGradient", { filter, x, dy }, "x");
      expect(distance(dx.values, expected)).toBeLessThan(tolerances[element]);
    });

    test("the gradient of the filter", () => {
      const { filter, x, dy } = given();
      const parts = unwritten([systems, filterGradientRows(shape), length]);
      runKernel(causalConvolutionFilterGradient(shape), [x.values, dy.values, parts.values]);
      const expected = reference("CausalConvolutionGradient", { filter, x, dy }, "filter");
      expect(distance(sumOfRows(parts), expected)).toBeLessThan(1e-5);
    });
  });
});

/** Each system as a member of one channel: [S, T] and [S, B, T] are then [P, C, T] and [P, B, T, C]. */
function reference(kernel: string, inputs: Readonly<Record<string, Tensor>>, of = ""): Float32Array {
  const asMembers = Object.entries(inputs).map(([name, { shape, values }]) => {
    const [systems = 1, ...rest] = shape;
    return [name, { shape: rest.length === 1 ? [systems, 1, ...rest] : [systems, ...rest, 1], values }];
  });
  return plain(kernel, Object.fromEntries(asMembers), { of }).values;
}

/** [S, R, T] -> [S, T]. */
function sumOfRows({ shape: [systems = 1, rows = 1, length = 1], values }: Tensor): Float32Array {
  return Float32Array.from({ length: systems * length }, (_, i) => {
    const [system, lag] = [Math.floor(i / length), i % length];
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += values[(system * rows + row) * length + lag]!;
    return sum;
  });
}
