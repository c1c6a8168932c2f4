// The SwiGLU kernels, interpreted, against loops written from the equation.
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../../../../genome/random.ts";
import {
  defaultTiling,
  type GatedMlpShape,
  gatedMlpBackwardInput,
  gatedMlpBackwardWeights,
  gatedMlpForward,
} from "../../../../../workers/engine/stablehlo/kernels/gated-mlp.ts";
import { distance } from "../distance.ts";
import { drawn, normal, plain, type Tensor, unwritten } from "./arrays.ts";
import { runKernel } from "./interpreter.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

type Case = Omit<GatedMlpShape, "element">;
const cases: readonly [string, Case][] = [
  ["odd sizes", { members: 2, rows: 9, width: 6, inner: 5 }],
  ["several blocks of everything", { members: 1, rows: 70, width: 20, inner: 40 }],
  ["whole blocks", { members: 1, rows: 64, width: 16, inner: 32 }],
];
const tiling = { ...defaultTiling, rows: 16, inner: 16, parts: 3 };

describe.each(cases)("%s", (_, sizes) => {
  describe.each([
    ["f32", 1e-6],
    ["bf16", 2e-2],
  ] as const)("%s", (element, tolerance) => {
    const shape = { ...sizes, element };
    const { members, rows, width, inner } = sizes;
    const draw = normal(new Random("gated mlp"));
    const tensors: Record<string, Tensor> = {
      x: drawn([members, 1, rows, width], element, draw),
      w1: drawn([members, inner, width], element, () => draw() / width ** 0.5),
      w2: drawn([members, inner, width], element, () => draw() / width ** 0.5),
      w3: drawn([members, width, inner], element, () => draw() / inner ** 0.5),
    };
    const dy = drawn([members, 1, rows, width], element, draw);
    const operands = Object.values(tensors).map(({ values }) => values);
    const expected = (of: string) => plain("GatedMlpGradient", { ...tensors, dy }, { of }).values;

    test.each([tiling, defaultTiling])("forward", (tiling) => {
      const y = unwritten([members, rows, width]);
      runKernel(gatedMlpForward(shape, tiling), [...operands, y.values]);
      expect(distance(y.values, plain("GatedMlp", tensors).values)).toBeLessThan(tolerance);
    });

    test("the gradient of x", () => {
      const dX = unwritten([members, rows, width]);
      runKernel(gatedMlpBackwardInput(shape, tiling), [...operands, dy.values, dX.values]);
      expect(distance(dX.values, expected("x"))).toBeLessThan(tolerance);
    });

    test.each([tiling, { ...tiling, parts: 1 }])("the gradients of the weights", (tiling) => {
      const results = [1, 2, 3].map(() => unwritten([tiling.parts, members, inner, width]).values);
      runKernel(gatedMlpBackwardWeights(shape, tiling), [...operands, dy.values, ...results]);
      const size = members * inner * width;
      const summed = results.map((parts) =>
        Float32Array.from({ length: size }, (_, i) =>
          Array.from({ length: tiling.parts }, (_, part) => parts[part * size + i]!).reduce((a, b) => a + b),
        ),
      );
      const turned = Float32Array.from({ length: size }, (_, i) => {
        const [member, row] = [Math.floor(i / (inner * width)), Math.floor(i / inner) % width];
        return summed[2]![(member * inner + (i % inner)) * width + row]!;
      });
      expect(distance(summed[0]!, expected("w1"))).toBeLessThan(tolerance);
      expect(distance(summed[1]!, expected("w2"))).toBeLessThan(tolerance);
      expect(distance(turned, expected("w3"))).toBeLessThan(tolerance);
    });
  });
});
