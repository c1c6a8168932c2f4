import * as tf from "@tensorflow/tfjs";
import { expect, test } from "vitest";
import type { Graph, Primitive } from "../../../workers/engine/graph.ts";
import { bfloat16Values } from "../../../workers/engine/precision.ts";
import { evaluationStep, trainingStep } from "../../../workers/engine/steps.ts";
import { trace } from "../../../workers/engine/trace.ts";
import type { Specs, Step, TensorSpec } from "../../../workers/engine/types.ts";
import { tinyModel } from "./tiny-model.ts";

const float = (...shape: number[]): TensorSpec => ({ shape, dtype: "float32" });
/** Eight tokens, eight channels each. */
const specs: Specs = { tokens: { shape: [2, 4], dtype: "int32" }, x: float(2, 4, 8), w: float(2, 8, 8), g: float(8) };
type Tensors = Readonly<Record<"x" | "w" | "g", tf.Tensor>>;

function traced(apply: (tensors: Tensors) => tf.Tensor): { graph: Graph; kept: ReadonlySet<number> } {
  const graph = trace(specs, (tensors) => ({ y: apply(tensors as unknown as Tensors) }));
  return { graph, kept: bfloat16Values(graph, ["tokens", "x"]) };
}

/** Of every node, whether its result is kept as bfloat16. */
function decisions(apply: (tensors: Tensors) => tf.Tensor): [Primitive, boolean][] {
  const { graph, kept } = traced(apply);
  return graph.nodes.map(({ primitive, output }) => [primitive, kept.has(output.id)]);
}

test("activations on their way to a product are kept as bfloat16, and small operands do not stop that", () => {
  expect(decisions(({ x, w, g }) => tf.matMul(tf.mul(tf.tanh(x), g), w))).toEqual([
    ["tanh", true],
    ["mul", true],
    ["matMul", false],
  ]);
});

test("what no product or reduction needs, and what depends on no batch, stays float32", () => {
  expect(decisions(({ x, w }) => tf.tanh(tf.matMul(x, tf.tanh(w))))).toEqual([
    ["tanh", false],
    ["matMul", false],
    ["tanh", false],
  ]);
});

test("two elements per token are a statistic and not an activation", () => {
  const square = (x: tf.Tensor) => tf.mul(x, x);
  expect(decisions(({ x }) => tf.sum(square(tf.slice(x, [0, 0, 0], [2, 4, 2]))))).toEqual([
    ["slice", false],
    ["mul", false],
    ["reduceSum", false],
  ]);
});

test("around an exponential everything is float32, between one product and the next", () => {
  const apply = ({ x, w }: Tensors) => {
    const rates = tf.matMul(tf.tanh(x), w); // consumed by the exponential
    const decayed = tf.mul(tf.exp(tf.neg(rates)), x);
    return tf.matMul(tf.tanh(tf.matMul(decayed, w)), w);
  };
  expect(decisions(apply)).toEqual([
    ["tanh", true],
    ["matMul", false],
    ["neg", false],
    ["exp", false],
    ["mul", false],
    ["matMul", true],
    ["tanh", true],
    ["matMul", false],
  ]);
});

test.each<[Primitive, (x: tf.Tensor) => tf.Tensor]>([
  ["exp", (x) => tf.exp(x)],
  ["expm1", (x) => tf.expm1(x)],
  ["log", (x) => tf.log(x)],
  ["log1p", (x) => tf.log1p(x)],
  ["cumsum", (x) => tf.cumsum(x, 2)],
  ["pow", (x) => tf.pow(x, 3)],
])("%s has float32 before and after it", (primitive, sensitive) => {
  const { graph, kept } = traced(({ x, w }) => tf.matMul(tf.tanh(sensitive(tf.tanh(x))), w));
  expect(graph.nodes.map((node) => node.primitive)).toContain(primitive);
  expect(kept.size).toBe(0);
});

test("softmax may be kept as bfloat16", () => {
  expect(decisions(({ x, w }) => tf.matMul(tf.softmax(tf.mul(x, 2)), w))).toEqual([
    ["constant", false],
    ["mul", true],
    ["softmax", true],
    ["matMul", false],
  ]);
});

const sizes = { members: 2, batch: 2, length: 5, rows: 3 };
const steps: [string, Step][] = [
  ["training", trainingStep(tinyModel(11), sizes)],
  ["evaluation", evaluationStep(tinyModel(11), sizes)],
];
test.each(steps)("state, gradients, logits and loss of a step of %s are float32; most products are not", (_, step) => {
  const graph = trace({ ...step.state, ...step.constants, ...step.batch }, step.apply);
  const kept = bfloat16Values(graph, Object.keys(step.batch));
  for (const { id } of Object.values(graph.outputs)) expect(kept.has(id)).toBe(false);
  for (const { primitive, inputs, output } of graph.nodes) {
    if (output.shape.at(-1) === 11 && inputs[0]?.dtype === "float32" && primitive === "reduceMax") {
      expect(kept.has(inputs[0].id)).toBe(false);
    }
    const isFlat = output.shape.join() === step.state.parameters?.shape.join();
    if (primitive === "exp" || isFlat) expect(kept.has(output.id)).toBe(false);
  }
  expect(
    graph.nodes.filter(({ primitive, output }) => primitive === "matMul" && kept.has(output.id)).length,
  ).toBeGreaterThan(3);
});
