// The norm kernels, interpreted, against loops written from the equation.
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../../../../genome/random.ts";
import {
  blocksOf,
  type ResidualNormShape,
  residualNormBackward,
  residualNormForward,
} from "../../../../../workers/engine/stablehlo/kernels/residual-norm.ts";
import { distance } from "../distance.ts";
import { drawn, normal, plain, rounded, type Tensor, unwritten } from "./arrays.ts";
import { runKernel } from "./interpreter.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const cases: readonly [string, Pick<ResidualNormShape, "members" | "rows" | "width">][] = [
  ["odd sizes", { members: 2, rows: 9, width: 6 }],
  ["several tiles", { members: 1, rows: 34, width: 128 }],
  ["whole tiles of wide tokens", { members: 2, rows: 8, width: 1024 }],
];
const eps = 1e-5;

describe.each(cases)("%s", (_, sizes) => {
  describe.each([
    ["f32", 1e-5],
    ["bf16", 2e-2],
  ] as const)("%s", (element, tolerance) => {
    const shape: ResidualNormShape = { ...sizes, eps, element };
    const { members, rows, width } = sizes;
    const stream = [members, 1, rows, width];
    const draw = normal(new Random("residual norm"));
    const [x, update, dSum, dNormal] = [1, 2, 3, 4].map(() => drawn(stream, element, draw)) as Tensor[] as Four;
    const weight = drawn([members, width], "f32", draw);
    const sum = rounded({ shape: stream, values: x.values.map((value, i) => value + update.values[i]!) }, element);

    test("forward, with and without an update", () => {
      const [found, normal, alone] = [1, 2, 3].map(() => unwritten(stream)) as [Tensor, Tensor, Tensor];
      const given = [x.values, update.values, weight.values, found.values, normal.values];
      runKernel(residualNormForward(shape, true), given);
      runKernel(residualNormForward(shape, false), [sum.values, weight.values, alone.values]);
      expect(distance(found.values, sum.values)).toBe(0);
      expect(alone.values).toEqual(normal.values);
      const expected = drawnNorm(sum, weight);
      expect(distance(normal.values, expected)).toBeLessThan(tolerance);
    });

    test.each([true, false])("backward, the sum used elsewhere: %s", (hasSum) => {
      const blocks = blocksOf(shape);
      const [dX, parts] = [unwritten(stream), unwritten([members, blocks, width])];
      const gradients = hasSum ? [dSum.values, dNormal.values] : [dNormal.values];
      const given = [sum.values, weight.values, ...gradients, dX.values, parts.values];
      runKernel(residualNormBackward(shape, hasSum), given);
      const ofSum = hasSum ? dSum : { shape: stream, values: new Float32Array(dSum.values.length) };
      const expected = (of: string) =>
        plain("ResidualNormGradient", { sum, weight, dSum: ofSum, dNormal }, { eps, of }).values;
      expect(distance(dX.values, expected("x"))).toBeLessThan(tolerance);
      const dWeight = Float32Array.from({ length: members * width }, (_, i) => {
        const [member, channel] = [Math.floor(i / width), i % width];
        const ofBlock = (block: number) => parts.values[(member * blocks + block) * width + channel]!;
        return Array.from({ length: blocks }, (_, block) => ofBlock(block)).reduce((a, b) => a + b);
      });
      expect(distance(dWeight, expected("weight"))).toBeLessThan(tolerance);
    });
  });
});

type Four = [Tensor, Tensor, Tensor, Tensor];

/** Zhang and Sennrich 2019, eq. 4. */
function drawnNorm({ values, shape }: Tensor, weight: Tensor): Float32Array {
  const width = shape.at(-1)!;
  const perMember = values.length / shape[0]!;
  return values.map((value, i) => {
    const token = values.subarray(i - (i % width), i - (i % width) + width);
    const mean = token.reduce((total, each) => total + each * each, 0) / width;
    return (value / Math.sqrt(mean + eps)) * weight.values[Math.floor(i / perMember) * width + (i % width)]!;
  });
}
