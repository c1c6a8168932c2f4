import * as tf from "@tensorflow/tfjs";
import { beforeEach, expect, test } from "vitest";
import { fusedAttention, fusedSelectiveScan, hasKernel } from "../../../operators/fused.ts";
import { causalConvolution } from "../../../operators/long-convolution.ts";
import { linearRecurrence } from "../../../operators/scan.ts";
import type { Graph, Node } from "../../../workers/engine/graph.ts";
import { trace } from "../../../workers/engine/trace.ts";
import type { Specs, TensorSpec } from "../../../workers/engine/types.ts";

beforeEach(async () => {
  await tf.setBackend("cpu");
});

const float = (...shape: number[]): TensorSpec => ({ shape, dtype: "float32" });

function gradientsOf(specs: Specs, apply: (...x: tf.Tensor[]) => tf.Tensor): Graph {
  const names = Object.keys(specs);
  const step = (tensors: Readonly<Record<string, tf.Tensor>>) => {
    const gradients = tf.grads((...x: tf.Tensor[]) => tf.sum(apply(...x)))(names.map((name) => tensors[name]!));
    return Object.fromEntries(names.map((name, i) => [name, gradients[i]!]));
  };
  return trace(specs, step, { composites: ["Attention", "SelectiveScan", "Recurrence", "CausalConvolution"] });
}

const nodesOf = (graph: Graph, primitive: Node["primitive"]) =>
  graph.nodes.filter((node) => node.primitive === primitive);
const shapesOf = (graph: Graph) =>
  Object.fromEntries(Object.entries(graph.outputs).map(([name, { shape }]) => [name, shape]));

const [P, B, T, H, G, K, E, N] = [2, 3, 9, 4, 2, 5, 6, 7];
const attended = { q: float(P, B, T, H, K), k: float(P, B, T, G, K), v: float(P, B, T, G, K) };
const scanned = {
  ...{ u: float(P, B, T, E), dt: float(P, B, T, E), a: float(P, E, N) },
  ...{ b: float(P, B, T, N), c: float(P, B, T, N) },
};

test("attention and its three gradients are one node each, of the shapes of q, k and v", () => {
  const graph = gradientsOf(attended, (q, k, v) =>
    fusedAttention(q as tf.Tensor5D, k as tf.Tensor5D, v as tf.Tensor5D, { scale: 0.5, left: 8, right: 0 }),
  );
  expect(nodesOf(graph, "attention").map(({ attributes }) => attributes)).toEqual([
    { weighting: "softmax", eps: 0, scale: 0.5, left: null, right: 0 },
  ]);
  expect(nodesOf(graph, "attentionStatistics").map(({ output }) => output.shape)).toEqual([[P, B, H, T]]);
  const of = nodesOf(graph, "attentionGradient").map(({ attributes }) => (attributes as { of: string }).of);
  expect(of.sort()).toEqual(["key", "query", "value"]);
  expect(shapesOf(graph)).toEqual({ q: [P, B, T, H, K], k: [P, B, T, G, K], v: [P, B, T, G, K] });
});

test("a selective scan has a gradient node for each of its five inputs", () => {
  const graph = gradientsOf(scanned, (u, dt, a, b, c) => fusedSelectiveScan({ u, dt, a, b, c } as never));
  const of = nodesOf(graph, "selectiveScanGradient").map(({ attributes }) => (attributes as { of: string }).of);
  expect(of.sort()).toEqual(["a", "b", "c", "dt", "u"]);
  expect(shapesOf(graph)).toEqual(
    Object.fromEntries(Object.entries(scanned).map(([name, { shape }]) => [name, shape])),
  );
});

test("a recurrence and the one of its gradient, in reverse, are one node each", () => {
  const graph = gradientsOf({ decay: float(P, T, E), input: float(P, T, E) }, (decay, input) =>
    linearRecurrence(decay as tf.Tensor3D, input as tf.Tensor3D),
  );
  const directions = nodesOf(graph, "recurrence").map(({ attributes }) => attributes);
  expect(directions).toEqual([{ reverse: false }, { reverse: true }]);
});

test("a causal convolution has a gradient node for its filter and one for its input", () => {
  const graph = gradientsOf({ filter: float(P, E, T), x: float(P, B, T, E) }, (filter, x) =>
    causalConvolution(filter as tf.Tensor3D, x as tf.Tensor4D),
  );
  expect(nodesOf(graph, "matMul")).toEqual([]);
  const of = nodesOf(graph, "causalConvolutionGradient").map(({ attributes }) => (attributes as { of: string }).of);
  expect(of.sort()).toEqual(["filter", "x"]);
  expect(shapesOf(graph)).toEqual({ filter: [P, E, T], x: [P, B, T, E] });
});

test("inputs that do not belong together are refused with their shapes", () => {
  const attend = (kvHeads: number, length: number) => () =>
    gradientsOf({ ...attended, k: float(P, B, length, kvHeads, K) }, (q, k, v) =>
      fusedAttention(q as tf.Tensor5D, k as tf.Tensor5D, v as tf.Tensor5D, { scale: 1, left: 8, right: 0 }),
    );
  expect(attend(3, T)).toThrow("attention: 3 key heads do not divide 4 heads");
  expect(attend(2, T + 1)).toThrow("attention: float32[2,3,10,2,5] where float32[2,3,9,2,5] is expected");
  const convolve = () =>
    gradientsOf({ filter: float(P, E, T + 1), x: float(P, B, T, E) }, (filter, x) =>
      causalConvolution(filter as tf.Tensor3D, x as tf.Tensor4D),
    );
  expect(convolve).toThrow("causalConvolution: float32[2,6,10] where float32[2,6,9] is expected");
});

test("a trace has the composites that it names, and others have none", () => {
  const x = { x: float(1) };
  const seen: boolean[][] = [];
  const look = ({ x }: Readonly<Record<string, tf.Tensor>>) => {
    seen.push([hasKernel("Attention"), hasKernel("SelectiveScan")]);
    return { x: x! };
  };
  trace(x, look);
  trace(x, look, { composites: ["Attention"] });
  expect(() => trace(x, () => undefined as never, { composites: ["SelectiveScan"] })).toThrow();
  trace(x, look);
  expect(seen).toEqual([
    [false, false],
    [true, false],
    [false, false],
  ]);
});
