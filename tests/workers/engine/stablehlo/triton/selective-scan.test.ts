// The selective scan kernels, interpreted, against loops written from the equations.
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../../../../genome/random.ts";
import {
  channelBlocks,
  chunks,
  type ScanShape,
  selectiveScanBackward,
  selectiveScanForward,
} from "../../../../../workers/engine/stablehlo/kernels/selective-scan.ts";
import { derivativeError } from "../../../../operators/finite-differences.ts";
import { distance } from "../distance.ts";
import { drawn, normal, plain, type Tensor, unwritten } from "./arrays.ts";
import { runKernel } from "./interpreter.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

type Case = Omit<ScanShape, "element">;
const cases: readonly [string, Case][] = [
  ["odd sizes", { members: 2, batch: 2, length: 9, channels: 5, states: 3 }],
  ["several chunks and blocks", { members: 1, batch: 2, length: 33, channels: 20, states: 6 }],
  ["whole chunks, blocks and states", { members: 2, batch: 1, length: 16, channels: 32, states: 16 }],
  ["as many tokens as channels", { members: 1, batch: 1, length: 16, channels: 16, states: 4 }],
  ["one state", { members: 1, batch: 3, length: 7, channels: 17, states: 1 }],
];
const tolerances = { f32: 2e-6, bf16: 4e-3 };
const names = ["u", "dt", "a", "b", "c"] as const;

function inputsOf({ members, batch, length, channels, states }: Case, element: "f32" | "bf16") {
  const random = new Random("scan");
  const rows = [members, batch, length];
  const draw = (name: string, shape: number[], kind: "f32" | "bf16" = "f32") =>
    drawn(shape, kind, normal(random.split(name)));
  const positive = ({ shape, values }: Tensor) => ({ shape, values: values.map((x) => Math.log1p(Math.exp(x))) });
  const negative = ({ shape, values }: Tensor) => ({ shape, values: values.map((x) => -Math.exp(x)) });
  return {
    u: draw("u", [...rows, channels], element),
    dt: positive(draw("dt", [...rows, channels])),
    a: negative(draw("a", [members, channels, states])),
    b: draw("b", [...rows, states]),
    c: draw("c", [...rows, states]),
    dy: draw("dy", [...rows, channels], element),
  };
}

describe.each(cases)("%s", (_, sizes) => {
  test.each(["f32", "bf16"] as const)("%s", (element) => {
    const shape: ScanShape = { ...sizes, element };
    const { members, batch, length, channels, states } = shape;
    const rows = members * batch;
    const { dy, ...inputs } = inputsOf(sizes, element);
    const operands = names.map((name) => inputs[name].values);
    const y = unwritten(inputs.u.shape);
    const kept = unwritten([rows, chunks(shape), channels, states]);
    runKernel(selectiveScanForward(shape), [...operands, y.values, kept.values]);
    expect(distance(y.values, plain("SelectiveScan", inputs).values)).toBeLessThan(tolerances[element]);

    const parts = [channelBlocks(shape), rows * length * states];
    const found = {
      u: unwritten(inputs.u.shape),
      dt: unwritten(inputs.dt.shape),
      a: unwritten([members, batch, channels * states]),
      b: unwritten(parts),
      c: unwritten(parts),
    };
    const results = names.map((name) => found[name].values);
    runKernel(selectiveScanBackward(shape), [...operands, kept.values, dy.values, ...results]);
    const summed = {
      ...{ u: found.u, dt: found.dt, a: summedOver(found.a, 1) },
      ...{ b: summedOver(found.b, 0), c: summedOver(found.c, 0) },
    };
    for (const of of names) {
      const expected = plain("SelectiveScanGradient", { ...inputs, dy }, { of });
      expect(distance(summed[of].values, expected.values), of).toBeLessThan(
        of === "u" ? tolerances[element] : tolerances.f32,
      );
    }
  });
});

test("the gradients of the loops are derivatives", () => {
  const { dy, ...inputs } = inputsOf({ members: 2, batch: 2, length: 9, channels: 5, states: 3 }, "f32");
  const shaped = (arrays: readonly Float32Array[]) =>
    Object.fromEntries(names.map((name, i) => [name, { shape: inputs[name].shape, values: arrays[i]! }]));
  const gradient = names.map((of) => plain("SelectiveScanGradient", { ...inputs, dy }, { of }).values);
  const value = (at: readonly Float32Array[]) =>
    plain("SelectiveScan", shaped(at)).values.reduce((sum, y, i) => sum + y * dy.values[i]!, 0);
  const random = new Random("direction");
  const at = names.map((name) => inputs[name].values);
  expect(derivativeError({ value, at, gradient, random: () => random.normal() }, 1e-4)).toBeLessThan(1e-4);
});

/** Of [..., axis, ...] all the numbers along the axis. */
function summedOver({ shape, values }: Tensor, axis: number): Tensor {
  return tf.tidy(() => {
    const sum = tf.sum(tf.tensor(values, [...shape]), axis);
    return { shape: sum.shape, values: sum.dataSync() as Float32Array };
  });
}
