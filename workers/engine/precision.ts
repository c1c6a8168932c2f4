// Which values of a graph are kept as bfloat16 when a step computes in mixed precision.
//
// Kept so is a float32 value that (a) depends on a batch entry; (b) is an activation: more than two elements per token;
// (c) is on its way to a product or a reduction, which gradients of parameters and the optimizer are not; and (d) lies in
// no sensitive island: between a product or reduction and an exp, expm1, log, log1p, cumsum or pow, nor from there to
// the next product or reduction. So the logits, the loss and the decays of scans stay float32. Small operands (weights,
// statistics of norms) are converted to what they meet and do not promote it.
import type { Graph, Node, Primitive, Value } from "./graph.ts";
import { sizeOf } from "./graph.ts";

const sensitive = new Set<Primitive>(["exp", "expm1", "log", "log1p", "cumsum", "pow"]);
/** Where an island ends: results have other sources of error than the last digits of one operand. */
const consuming = new Set<Primitive>([
  ...(["matMul", "softmax", "reduceSum", "reduceMax", "reduceMin", "argMax", "scatterAdd"] as const),
  ...(["attention", "attentionStatistics", "attentionGradient"] as const),
  ...(["selectiveScan", "selectiveScanGradient", "recurrence"] as const),
  ...(["gatedMlp", "gatedMlpGradient", "residualNorm", "residualNormGradient"] as const),
  ...(["shortConvolution", "shortConvolutionGradient"] as const),
  ...(["causalConvolution", "causalConvolutionGradient"] as const),
]);

/** Always float32: an exponential of theirs is taken inside other kernels. */
const exact = new Set<Primitive>(["attentionStatistics"]);

/** The ids of the values that are kept as bfloat16. `batch` names the inputs that differ from step to step. */
export function bfloat16Values(graph: Graph, batch: readonly string[]): ReadonlySet<number> {
  const varying = varyingValues(graph, batch);
  const least = 2 * tokenCount(graph, varying);
  const isActivation = ({ id, shape, dtype }: Value) => dtype === "float32" && varying.has(id) && sizeOf(shape) > least;
  const used = valuesOnTheWay(graph);
  const islands = sensitiveValues(graph, isActivation);
  const kept = graph.nodes.filter(({ primitive }) => !exact.has(primitive)).map(({ output }) => output);
  const isKept = (value: Value) => isActivation(value) && used.has(value.id) && !islands.has(value.id);
  return new Set(kept.filter(isKept).map(({ id }) => id));
}

function varyingValues(graph: Graph, batch: readonly string[]): ReadonlySet<number> {
  const varying = new Set(batch.flatMap((name) => graph.inputs[name]?.id ?? []));
  for (const { inputs, output } of graph.nodes) {
    if (inputs.some(({ id }) => varying.has(id))) varying.add(output.id);
  }
  return varying;
}

/** P B T: the largest batch of integers, be they looked up in a data set or given as such. */
function tokenCount({ inputs, nodes }: Graph, varying: ReadonlySet<number>): number {
  const rows = nodes.filter(({ primitive }) => primitive === "gather").map(({ output }) => output);
  const integers = [...Object.values(inputs), ...rows].filter(({ id, dtype }) => dtype === "int32" && varying.has(id));
  return Math.max(0, ...integers.map(({ shape }) => sizeOf(shape)));
}

/** Values that a product or a reduction depends on. */
function valuesOnTheWay({ nodes }: Graph): ReadonlySet<number> {
  const used = new Set<number>();
  for (const { primitive, inputs, output } of nodes.toReversed()) {
    if (consuming.has(primitive) || used.has(output.id)) for (const { id } of inputs) used.add(id);
  }
  return used;
}

function sensitiveValues({ nodes }: Graph, isActivation: (value: Value) => boolean): ReadonlySet<number> {
  const islands = new Set<number>();
  const add = ({ inputs }: Node) => {
    for (const input of inputs) if (isActivation(input)) islands.add(input.id);
  };
  for (const node of nodes.toReversed()) {
    const leadsThere = islands.has(node.output.id) && !consuming.has(node.primitive);
    if (sensitive.has(node.primitive) || leadsThere) add(node);
  }
  for (const { primitive, inputs, output } of nodes) {
    if (consuming.has(primitive)) continue;
    if (sensitive.has(primitive) || inputs.some(({ id }) => islands.has(id))) islands.add(output.id);
  }
  return islands;
}
