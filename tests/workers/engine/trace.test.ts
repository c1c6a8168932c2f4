import * as tf from "@tensorflow/tfjs";
import { beforeEach, describe, expect, test } from "vitest";
import type { Graph } from "../../../workers/engine/graph.ts";
import { trace } from "../../../workers/engine/trace.ts";

beforeEach(async () => {
  await tf.setBackend("cpu");
});

function traceOne(apply: (x: tf.Tensor2D) => tf.Tensor): Graph {
  return trace({ x: { shape: [2, 3], dtype: "float32" } }, ({ x }) => ({ y: apply(x as tf.Tensor2D) }));
}

test("a trace leaves tfjs as it found it, also after an error", () => {
  const before = tf.memory().numTensors;
  const random = Math.random;
  traceOne((x) => tf.add(x, 1));
  expect(() =>
    traceOne((x) => {
      tf.mul(x, 2);
      throw new Error("in the step");
    }),
  ).toThrow("in the step");
  expect(tf.getBackend()).toBe("cpu");
  expect(tf.memory().numTensors).toBe(before);
  expect(Math.random).toBe(random);
});

test("gradients are part of the trace", () => {
  const graph = traceOne((x) => tf.grad((a) => tf.sum(tf.sin(a)))(x));
  expect(graph.nodes.map((node) => node.primitive)).toContain("cos");
});

test("a kernel without a rule fails with its name", () => {
  expect(() => traceOne((x) => tf.fft(tf.complex(x, x)))).toThrow("kernel Complex has no rule in");
  expect(() => traceOne((x) => tf.topk(x, 1).values)).toThrow("kernel TopK has no rule in");
});

describe("JavaScript randomness inside a step is refused", () => {
  test.each<[string, () => tf.Tensor]>([
    ["Math.random", () => tf.scalar(Math.random())],
    ["Math.random", () => tf.randomUniform([2, 3])],
    ["tf.randomUniform", () => tf.randomUniform([2, 3], 0, 1, "float32", 7)],
    ["tf.randomNormal", () => tf.randomNormal([2, 3], 0, 1, "float32", 7)],
    ["tf.truncatedNormal", () => tf.truncatedNormal([2, 3], 0, 1, "float32", 7)],
    ["tf.dropout", () => tf.dropout(tf.ones([2, 3]), 0.5, undefined, 7)],
  ])("%s", (name, draw) => {
    expect(() => traceOne((x) => tf.add(x, draw()))).toThrow(`${name} inside a step`);
  });

  test("an error that the step swallows still fails the trace", () => {
    const swallowing = (x: tf.Tensor2D) => {
      try {
        return tf.add(x, tf.randomUniform([2, 3]));
      } catch {
        return x;
      }
    };
    expect(() => traceOne(swallowing)).toThrow("Math.random inside a step");
  });
});

describe("reading a traced value is refused", () => {
  test("at once", () => {
    expect(() => traceOne((x) => tf.mul(x, x.dataSync()[0] ?? 0))).toThrow("the value of a traced tensor was read");
  });
  test("through a promise that nobody awaits", () => {
    expect(() =>
      traceOne((x) => {
        void x.data();
        return x;
      }),
    ).toThrow("the value of a traced tensor was read");
  });
  test("through debug mode, which reads every value", () => {
    tf.env().set("DEBUG", true);
    try {
      expect(() => traceOne((x) => tf.add(x, 1))).toThrow("tf.enableDebugMode()");
    } finally {
      tf.env().set("DEBUG", false);
    }
  });
});

test("a step that returns a promise is refused", () => {
  const asynchronous = async ({ x }: Record<string, tf.Tensor>) => ({ y: x as tf.Tensor });
  expect(() => trace({ x: { shape: [], dtype: "float32" } }, asynchronous as never)).toThrow("it must be synchronous");
});

test("a tensor made outside is embedded if it is small, and stays usable", () => {
  const small = tf.tensor1d([1, 2, 3]);
  const graph = traceOne((x) => tf.mul(x, small));
  expect(graph.nodes[0]?.attributes).toMatchObject({ data: Float32Array.of(1, 2, 3) });
  expect([...small.dataSync()]).toEqual([1, 2, 3]);
});

test("a large tensor made outside is refused with its shape", () => {
  const large = tf.zeros([5000]);
  expect(() => traceOne((x) => tf.mul(tf.sum(x), large))).toThrow("a tensor float32[5000] made outside of the step");
});

test("tensors filled with one number are kept as that number", () => {
  const graph = traceOne((x) => tf.concat([x, tf.ones([500, 3]), tf.fill([500, 3], 7)]));
  const constants = graph.nodes.filter(({ primitive }) => primitive === "constant");
  expect(constants.map(({ attributes }) => attributes)).toEqual([
    { shape: [500, 3], dtype: "float32", data: 1 },
    { shape: [500, 3], dtype: "float32", data: 7 },
  ]);
});

test("a traced tensor cannot be used after its trace", () => {
  let kept: tf.Tensor | undefined;
  traceOne((x) => {
    kept = tf.keep(tf.add(x, 1));
    return kept;
  });
  expect(() => kept?.dataSync()).toThrow("after its trace had ended");
});
