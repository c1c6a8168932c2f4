import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../genome/random.ts";
import { rotate } from "../../operators/attention/rotary.ts";
import {
  causalMask,
  linear,
  mergeHeads,
  project,
  shiftRight,
  shortConvolution,
  splitHeads,
  weight,
  windowMask,
  within,
} from "../../operators/parts.ts";
import { distance } from "./distance.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

function drawn(...shape: number[]): tf.Tensor {
  const random = new Random(`drawn ${shape}`);
  return tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    shape,
  );
}

describe("linear", () => {
  test("applies each member's own map to each token", () => {
    const [x, w, b] = [drawn(2, 3, 4, 5), drawn(2, 6, 5), drawn(2, 6)];
    const [xs, ws, bs] = [x, w, b].map((t) => t.arraySync()) as [number[][][][], number[][][], number[][]];
    const expected = xs.map((member, p) =>
      member.map((sequence) =>
        sequence.map((token) =>
          ws[p]!.map((row, e) => bs[p]![e]! + row.reduce((sum, value, d) => sum + value * token[d]!, 0)),
        ),
      ),
    );
    expect(distance(linear(x, w, b), tf.tensor(expected))).toBeLessThan(1e-5);
  });

  test("takes its weights by the name of the module, the bias where there is one", () => {
    const weights = { "out.weight": drawn(1, 3, 2), "out.bias": drawn(1, 3), "in.weight": drawn(1, 3, 2) };
    const x = drawn(1, 2, 2, 2);
    expect(distance(project(x, weights, "out"), linear(x, weights["out.weight"], weights["out.bias"]))).toBe(0);
    expect(distance(project(x, weights, "in"), linear(x, weights["in.weight"]))).toBe(0);
  });
});

describe("weights by name", () => {
  test("a missing one is named together with those that are there", () => {
    expect(() => weight({ a: tf.scalar(0), b: tf.scalar(1) }, "c")).toThrow('weight "c" is missing; given are: a, b');
  });

  test("those of a submodule lose its name", () => {
    const weights = { "a.x": tf.scalar(1), "a.b.x": tf.scalar(2), "ab.x": tf.scalar(3) };
    expect(Object.keys(within(weights, "a"))).toEqual(["x", "b.x"]);
  });
});

describe("masks", () => {
  test("causal: the present and everything before it", () => {
    expect(causalMask(3).arraySync()).toEqual([
      [1, 0, 0],
      [1, 1, 0],
      [1, 1, 1],
    ]);
  });

  test("with a window of w, w + 1 keys are visible", () => {
    expect(causalMask(4, 1).arraySync()).toEqual([
      [1, 0, 0, 0],
      [1, 1, 0, 0],
      [0, 1, 1, 0],
      [0, 0, 1, 1],
    ]);
    expect(causalMask(3, 0).arraySync()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
  });

  test.each([
    [5, 0, 0],
    [5, 1, 2],
    [5, 4, 0],
    [5, 9, 1],
    [5, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [1, 0, 0],
  ])("of %i tokens, %d before and %d after", (length, left, right) => {
    const expected = Array.from({ length }, (_, t) =>
      Array.from({ length }, (_, s) => (s >= t - left && s <= t + right ? 1 : 0)),
    );
    expect(windowMask(length, left, right).arraySync()).toEqual(expected);
  });
});

describe("heads", () => {
  test("are consecutive blocks of channels", () => {
    const x = tf.range(0, 2 * 3 * 4).reshape([1, 2, 3, 4]) as tf.Tensor4D;
    const heads = splitHeads(x, 2).arraySync();
    expect(heads[0]?.[1]?.[0]).toEqual([
      [12, 13],
      [16, 17],
      [20, 21],
    ]);
  });

  test("merging undoes splitting", () => {
    const x = drawn(2, 3, 5, 6) as tf.Tensor4D;
    expect(distance(mergeHeads(splitHeads(x, 3)), x)).toBe(0);
  });
});

describe("along the sequence", () => {
  test("a shift fills with zeros and forgets what falls off", () => {
    const x = tf.tensor2d([[1], [2], [3]]);
    expect(shiftRight(x, 1).arraySync()).toEqual([[0], [1], [2]]);
    expect(shiftRight(x, 3).arraySync()).toEqual([[0], [0], [0]]);
    expect(shiftRight(x, 7).arraySync()).toEqual([[0], [0], [0]]);
  });

  test.each([1, 3, 8])("a short convolution of %i taps is the sum over the last tokens", (taps) => {
    const [members, batch, length, channels] = [2, 2, 5, 3];
    const [x, w, b] = [
      drawn(members, batch, length, channels),
      drawn(members, channels, 1, taps),
      drawn(members, channels),
    ];
    const [xs, ws, bs] = [x, w, b].map((t) => t.arraySync()) as [number[][][][], number[][][][], number[][]];
    const expected = xs.map((member, p) =>
      member.map((sequence) =>
        sequence.map((_, t) =>
          Array.from({ length: channels }, (_, c) => {
            let sum = bs[p]![c]!;
            for (let k = 0; k < taps; k++) sum += ws[p]![c]![0]![k]! * (sequence[t - (taps - 1) + k]?.[c] ?? 0);
            return sum;
          }),
        ),
      ),
    );
    expect(distance(shortConvolution(x as tf.Tensor4D, w, b), tf.tensor(expected))).toBeLessThan(1e-5);
  });

  test("rotary positions turn channel i with channel i + R/2 and leave the rest", () => {
    const [length, width, channels] = [5, 6, 4];
    const x = drawn(length, width);
    const rows = x.arraySync() as number[][];
    const expected = rows.map((row, t) =>
      row.map((value, i) => {
        if (i >= channels) return value;
        const pair = i % (channels / 2);
        const angle = t * 10_000 ** ((-2 * pair) / channels);
        const [a, b] = [row[pair]!, row[pair + channels / 2]!];
        return i < channels / 2 ? a * Math.cos(angle) - b * Math.sin(angle) : b * Math.cos(angle) + a * Math.sin(angle);
      }),
    );
    expect(distance(rotate(x, channels), tf.tensor(expected))).toBeLessThan(1e-5);
    expect(distance(rotate(x, 0), x)).toBe(0);
  });
});
