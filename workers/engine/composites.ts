// The fused kernels that operators use where a backend has them, as composite primitives.
//
// An engine names those it has a fast form of; the tracing backend then has exactly these.
import type { AttentionWeighting, AttentionWindows, FusedKernel } from "../../operators/fused.ts";
import type { CompositeAttributes, Value } from "./graph.ts";
import type { KernelRule } from "./kernels.ts";

type Attention = AttentionWeighting & AttentionWindows;
type Gradient =
  | "attentionGradient"
  | "selectiveScanGradient"
  | "causalConvolutionGradient"
  | "gatedMlpGradient"
  | "shortConvolutionGradient";
type Of<P extends Gradient> = Pick<CompositeAttributes[P], "of">;
type Attended = { readonly q: Value; readonly k: Value; readonly v: Value };
type AttendedGradient = Attended & { readonly out: Value; readonly statistics: Value; readonly dout: Value };
type Scanned = { readonly u: Value; readonly dt: Value; readonly a: Value; readonly b: Value; readonly c: Value };
type Convolved = { readonly filter: Value; readonly x: Value };

type Gated = { readonly x: Value; readonly w1: Value; readonly w2: Value; readonly w3: Value };
type ShortlyConvolved = { readonly x: Value; readonly weight: Value; readonly bias?: Value };
type Normalized = { readonly x: Value; readonly update?: Value; readonly weight: Value };

/** Under the name by which an engine asks for them: every kernel of the computation, its gradients included. */
export const compositeKernels: Readonly<Record<FusedKernel, Readonly<Record<string, KernelRule>>>> = {
  Attention: {
    Attention: (graph, { q, k, v }: Attended, attention: Attention) =>
      graph.emit("attention", [q, k, v], visible(q, attention)),
    AttentionStatistics: (graph, { q, k, v }: Attended, attention: Attention) =>
      graph.emit("attentionStatistics", [q, k, v], visible(q, attention)),
    AttentionGradient: (
      graph,
      { q, k, v, out, statistics, dout }: AttendedGradient,
      { of, ...attention }: Attention & Of<"attentionGradient">,
    ) => graph.emit("attentionGradient", [q, k, v, out, statistics, dout], { ...visible(q, attention), of }),
  },
  SelectiveScan: {
    SelectiveScan: (graph, { u, dt, a, b, c }: Scanned) => graph.emit("selectiveScan", [u, dt, a, b, c], {}),
    SelectiveScanGradient: (
      graph,
      { u, dt, a, b, c, dy }: Scanned & { readonly dy: Value },
      { of }: Of<"selectiveScanGradient">,
    ) => graph.emit("selectiveScanGradient", [u, dt, a, b, c, dy], { of }),
  },
  GatedMlp: {
    GatedMlp: (graph, { x, w1, w2, w3 }: Gated) => graph.emit("gatedMlp", [x, w1, w2, w3], {}),
    GatedMlpGradient: (graph, { x, w1, w2, w3, dy }: Gated & { readonly dy: Value }, { of }: Of<"gatedMlpGradient">) =>
      graph.emit("gatedMlpGradient", [x, w1, w2, w3, dy], { of }),
  },
  ShortConvolution: {
    ShortConvolution: (graph, { x, weight, bias }: ShortlyConvolved) =>
      graph.emit("shortConvolution", bias ? [x, weight, bias] : [x, weight], {}),
    ShortConvolutionGradient: (
      graph,
      { x, weight, dy }: Readonly<Record<"x" | "weight" | "dy", Value>>,
      { of }: Of<"shortConvolutionGradient">,
    ) => graph.emit("shortConvolutionGradient", [x, weight, dy], { of }),
  },
  ResidualNorm: {
    ResidualNorm: (graph, { x, update, weight }: Normalized, { eps }: { readonly eps: number }) => {
      if (update === undefined) return [x, graph.emit("residualNorm", [x, weight], { eps, of: "normal" })];
      return (["sum", "normal"] as const).map((of) => graph.emit("residualNorm", [x, update, weight], { eps, of }));
    },
    ResidualNormGradient: (
      graph,
      { sum, weight, dSum, dNormal }: Readonly<Record<"sum" | "weight" | "dSum" | "dNormal", Value>>,
      { eps, of }: CompositeAttributes["residualNormGradient"],
    ) => graph.emit("residualNormGradient", [sum, weight, dSum, dNormal], { eps, of }),
  },
  Recurrence: {
    Recurrence: (
      graph,
      { decay, input }: { readonly decay: Value; readonly input: Value },
      { reverse }: CompositeAttributes["recurrence"],
    ) => graph.emit("recurrence", [decay, input], { reverse }),
  },
  CausalConvolution: {
    CausalConvolution: (graph, { filter, x }: Convolved) => graph.emit("causalConvolution", [filter, x], {}),
    CausalConvolutionGradient: (
      graph,
      { filter, x, dy }: Convolved & { readonly dy: Value },
      { of }: Of<"causalConvolutionGradient">,
    ) => graph.emit("causalConvolutionGradient", [filter, x, dy], { of }),
  },
};

/** A window that reaches beyond the sequence hides nothing. */
function visible(q: Value, { weighting, eps, scale, left, right }: Attention): CompositeAttributes["attention"] {
  const last = (q.shape[2] ?? 1) - 1;
  return { weighting, eps, scale, left: left >= last ? null : left, right: right >= last ? null : right };
}
