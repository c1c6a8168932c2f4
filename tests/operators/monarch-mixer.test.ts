import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../genome/random.ts";
import { monarchMixer } from "../../operators/monarch-mixer/index.ts";
import { blockDiagonal, monarch } from "../../operators/monarch-mixer/monarch.ts";
import {
  combine,
  linear,
  longConvolution,
  type PlainWeights,
  relativeError,
  type Sequence,
  shortConvolution,
  thirds,
  tryOperator,
  worstError,
} from "./plain.ts";
import { implicitFilter } from "./plain-filter.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

/** y = W' (x2 * (h conv a + skip a) + h' conv x + skip' x) with a = v * x1: arXiv:2310.12109, section 4.1. */
function slowMixer(weights: PlainWeights, x: Sequence, residual: boolean, longest: number): Sequence {
  const get = (name: string) => weights[name] as Float32Array;
  const convolved = (module: string, input: Sequence) => {
    const sums = longConvolution(implicitFilter(weights, module, { longest, length: x.length }), input);
    return sums.map((row, t) =>
      row.map((sum, c) => sum + (get(`${module}.bias`)[c] as number) * (input[t]?.[c] as number)),
    );
  };
  const projected = linear(x, get("in_linear.weight"), get("in_linear.bias"));
  const [x1, x2, v] = thirds(shortConvolution(projected, get("short_filter.weight"), get("short_filter.bias")));
  const gated = combine(
    (a, b) => a * b,
    x2,
    convolved(
      "filter_fn",
      combine((a, b) => a * b, v, x1),
    ),
  );
  const y = residual ? combine((a, b) => a + b, gated, convolved("filter_fn2", x)) : gated;
  return linear(y, get("out_linear.weight"), get("out_linear.bias"));
}

describe.each([true, false])("residual %s", (residual) => {
  test.each([
    { width: 6, built: 9, length: 9 },
    { width: 8, built: 8, length: 8 },
    { width: 3, built: 50, length: 37 },
  ])("$length tokens of $width channels equal the slow loop", ({ width, built, length }) => {
    const trial = tryOperator(monarchMixer, { filterOrder: 5, residual }, { width, length: built }, length);
    // Frequencies start at ten, so the sines' arguments, and with them float32's errors, are ten times Hyena's.
    expect(worstError(trial, (weights, x) => slowMixer(weights, x, residual, built))).toBeLessThan(1e-4);
  });
});

describe("structured matrices", () => {
  const random = new Random("monarch");
  const draw = (...shape: number[]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return { shape, values: Array.from({ length: size }, () => Math.fround(random.normal())) };
  };
  const tensor = ({ shape, values }: ReturnType<typeof draw>) => tf.tensor(values, [1, ...shape]);

  /** The dense matrix of diag(W_0, ..., W_{G-1}), rows of weight [G, O, I]. */
  function dense({ shape: [blocks = 1, outputs = 1, inputs = 1], values }: ReturnType<typeof draw>): number[][] {
    return Array.from({ length: blocks * outputs }, (_, row) =>
      Array.from({ length: blocks * inputs }, (_, column) => {
        const [block, inside] = [Math.floor(row / outputs), row % outputs];
        return Math.floor(column / inputs) === block
          ? (values[(block * outputs + inside) * inputs + (column % inputs)] as number)
          : 0;
      }),
    );
  }
  const product = (matrix: number[][], x: readonly number[]) =>
    matrix.map((row) => row.reduce((sum, value, i) => sum + value * (x[i] ?? 0), 0));

  test("a block-diagonal map equals its dense matrix, short inputs filled up with zeros", () => {
    const weight = draw(4, 3, 2);
    const x = draw(5, 7);
    const y = blockDiagonal(tensor(x), tensor(weight)).arraySync() as number[][][];
    const rows = Array.from({ length: 5 }, (_, i) => x.values.slice(7 * i, 7 * i + 7));
    expect(
      relativeError(
        y[0] as number[][],
        rows.map((row) => product(dense(weight), row)),
      ),
    ).toBeLessThan(1e-6);
  });

  test("a Monarch map is two block-diagonal ones between transpositions", () => {
    const [first, second] = [draw(3, 6, 4), draw(6, 5, 3)]; // (k q) = 3 * 6 = (r l) = 3 * 6
    const x = draw(2, 12);
    const transposed = (values: readonly number[], rows: number) => {
      const across = values.length / rows;
      return Array.from(values, (_, i) => values[(i % rows) * across + Math.floor(i / rows)] as number);
    };
    const slow = (row: number[]) => transposed(product(dense(second), transposed(product(dense(first), row), 3)), 6);
    const y = monarch(tensor(x), tensor(first), tensor(second)).arraySync() as number[][][];
    const rows = [x.values.slice(0, 12), x.values.slice(12)];
    expect(relativeError(y[0] as number[][], rows.map(slow))).toBeLessThan(1e-6);
  });
});
