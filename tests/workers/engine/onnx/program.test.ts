// Compiled steps must stay small: loading takes time for every node, and a mask written out costs T^2 numbers.
import { expect, test } from "vitest";
import { knownDesigns, parseGenome } from "../../../../genome/index.ts";
import { buildModel } from "../../../../operators/model.ts";
import { loopModel } from "../../../../workers/engine/onnx/program.ts";
import { rolesOf, traceStep } from "../../../../workers/engine/onnxruntime.ts";
import { evaluationStep, trainingStep } from "../../../../workers/engine/steps.ts";

function compile(makeStep: typeof trainingStep, length: number, members = 1) {
  const genome = parseGenome(knownDesigns["transformer++"].genome);
  const model = buildModel(genome, { backbone: "language-model", width: 128, length, vocabulary: 16 });
  const step = makeStep(model, { members, batch: 16, length, rows: 100 });
  const graph = traceStep(step);
  return { graph, ...loopModel(graph, rolesOf(step, graph)) };
}

test("a training step of Transformer++ has at most 700 nodes and 29 kB", () => {
  const { nodeCount, file } = compile(trainingStep, 128);
  expect(nodeCount).toBeLessThanOrEqual(700);
  expect(file.length).toBeLessThanOrEqual(29 * 1024);
});

test("it does not grow with the number of members, and with the length only by a row of positions", () => {
  const [one, six, long] = [compile(trainingStep, 128), compile(trainingStep, 128, 6), compile(trainingStep, 512)];
  expect(six.nodeCount).toBeLessThanOrEqual(one.nodeCount);
  expect(long.nodeCount).toBe(one.nodeCount);
  expect(long.file.length - one.file.length).toBeLessThan(4 * 1024);
});

test("products read transposed weights in place: transposes are those of heads alone", () => {
  // Per layer of attention: q, k, v into heads and their result out of heads, forward and backward.
  const count = (graph: ReturnType<typeof compile>["graph"]) =>
    graph.nodes.filter(({ primitive }) => primitive === "transpose").length;
  expect(count(compile(trainingStep, 128).graph)).toBe(2 * 8);
  expect(count(compile(evaluationStep, 128).graph)).toBe(2 * 4);
});

test("the parameters of an evaluation are not carried from step to step", () => {
  const genome = parseGenome("91111");
  const model = buildModel(genome, { backbone: "language-model", width: 16, length: 8, vocabulary: 5 });
  const step = evaluationStep(model, { members: 1, batch: 2, length: 8, rows: 3 });
  const { carried, fixed } = rolesOf(step, traceStep(step));
  expect(Object.keys(carried)).toEqual([]);
  expect(Object.keys(fixed)).toEqual(["parameters", "inputs", "targets"]);
});
