import { expect, test } from "vitest";
import { GraphBuilder } from "../../../workers/engine/builder.ts";
import { dropDeadNodes, type Graph, graphHash, graphText, type Value } from "../../../workers/engine/graph.ts";

function build(make: (graph: GraphBuilder, x: Value) => Value): Graph {
  const builder = new GraphBuilder();
  const x = builder.input([2, 3], "float32");
  const y = make(builder, x);
  return dropDeadNodes({ inputs: { x }, nodes: builder.nodes, outputs: { y } });
}

function primitives(graph: Graph): string[] {
  return graph.nodes.map((node) => node.primitive);
}

test("nodes that no output needs are dropped, inputs stay", () => {
  const graph = build((builder, x) => {
    builder.op("exp", builder.op("sin", x));
    return builder.constant(1, [4]);
  });
  expect(primitives(graph)).toEqual(["constant"]);
  expect(Object.keys(graph.inputs)).toEqual(["x"]);
});

test("the text numbers values by their place, so that dead nodes leave no trace in it", () => {
  const plain = build((builder, x) => builder.op("exp", x));
  const cluttered = build((builder, x) => {
    builder.op("sin", x);
    return builder.op("exp", x);
  });
  expect(graphText(plain)).toBe("%0: float32[2,3] = input x\n%1: float32[2,3] = exp %0\noutput y %1");
  expect(graphText(cluttered)).toBe(graphText(plain));
});

test("graphs that compute something else have other hashes", () => {
  const table = (last: number) => Float32Array.from({ length: 12 }, (_, i) => (i === 11 ? last : i));
  const graphs = [
    build((builder, x) => builder.op("exp", x)),
    build((builder, x) => builder.op("sin", x)),
    build((builder, x) => builder.op("sub", x, builder.constant(2))),
    build((builder, x) => builder.op("sub", builder.constant(2), x)),
    build((builder, x) => builder.op("sub", x, builder.constant(Number.NEGATIVE_INFINITY))),
    build((builder) => builder.constant(table(11), [3, 4])),
    build((builder) => builder.constant(table(12), [3, 4])),
    build((builder) => builder.constant(table(12), [4, 3])),
    build((builder) => builder.constant(0)),
    build((builder) => builder.constant(-0)),
  ];
  expect(new Set(graphs.map(graphHash)).size).toBe(graphs.length);
});

test("operations that would only copy are not recorded", () => {
  const kept = build((builder, x) => {
    const same = builder.emit("reshape", [builder.emit("reshape", [x], { shape: [6] })], { shape: [2, 3] });
    const scaled = builder.op("mul", builder.op("div", same, builder.constant(1)), builder.constant(1, [2, 3]));
    const whole = builder.emit("slice", [scaled], { begin: [0, 0], size: [2, 3] });
    return builder.emit("convert", [builder.emit("pad", [whole], { before: [0, 0], after: [0, 0], value: 0 })], {
      dtype: "float32",
    });
  });
  expect(primitives(kept)).toEqual([]);
  expect(kept.outputs.y).toBe(kept.inputs.x);
});

test("an elementwise operation takes its operands as they were before they were broadcast", () => {
  const graph = build((builder, x) => {
    const row = builder.emit("slice", [x], { begin: [0, 0], size: [1, 3] });
    const spread = builder.emit("broadcast", [row], { shape: [2, 3] });
    return builder.op("mul", builder.op("add", spread, x), builder.constant(3, [2, 3]));
  });
  expect(primitives(graph)).toEqual(["slice", "add", "constant", "mul"]);
  expect(graph.nodes.find(({ primitive }) => primitive === "constant")?.output.shape).toEqual([]);
});

test("two broadcast operands keep the result's shape", () => {
  const graph = build((builder, x) => {
    const column = builder.emit("slice", [x], { begin: [0, 0], size: [2, 1] });
    const spread = builder.emit("broadcast", [column], { shape: [2, 3] });
    return builder.op("mul", spread, spread);
  });
  expect(graph.outputs.y?.shape).toEqual([2, 3]);
});

test("shapes that do not fit are refused with the shapes", () => {
  expect(() => build((builder, x) => builder.op("add", x, builder.constant(Float32Array.of(1, 2), [2])))).toThrow(
    "shapes [2,3] and [2] do not broadcast",
  );
  expect(() => build((builder, x) => builder.emit("matMul", [x, x], { transposeA: false, transposeB: false }))).toThrow(
    "matMul: float32[2,3] and float32[2,3] differ in the summed axis",
  );
  expect(() => build((builder, x) => builder.emit("slice", [x], { begin: [0, 2], size: [2, 2] }))).toThrow(
    "slice: 2..4 leaves axis 1 of float32[2,3]",
  );
});
