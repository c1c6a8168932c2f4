// Whole computations that some engines have as one fast kernel, with their gradients.
//
// An operator asks `hasKernel`, and else composes the computation from tfjs's operations. Kernels are looked up under
// their name on the present tfjs backend; `workers/engine/composites.ts` puts them there for a trace.
import * as tf from "@tensorflow/tfjs";

export type FusedKernel =
  | "Attention"
  | "SelectiveScan"
  | "Recurrence"
  | "CausalConvolution"
  | "GatedMlp"
  | "ShortConvolution"
  | "ResidualNorm";

/** Whether the present tfjs backend has the fused kernel, with what belongs to it. */
export function hasKernel(name: FusedKernel): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

export interface AttentionWindows {
  /** Factor of the products q . k. */
  readonly scale: number;
  /** Tokens before and after its own that a query sees. */
  readonly left: number;
  readonly right: number;
}

/** How the products of a query and its keys become the weights of an average. */
export interface AttentionWeighting {
  /** In proportion to their exponentials, or to themselves. */
  readonly weighting: "softmax" | "linear";
  /** Added to the sum that divides; 0 for softmax. */
  readonly eps: number;
}

/** Softmax attention, each key head serving H/G query heads: q [P, B, T, H, K], k and v [P, B, T, G, K] -> [P, B, T, H, K]. */
export function fusedAttention(
  q: tf.Tensor5D,
  k: tf.Tensor5D,
  v: tf.Tensor5D,
  { scale, left, right }: AttentionWindows,
): tf.Tensor5D {
  return attention(q, k, v, { weighting: "softmax", eps: 0, scale, left, right });
}

/** Widest features and values that `fusedLinearAttention` takes. */
export const widestLinearAttention = 128;

/** y_t = sum_{s<=t} a_ts v_s / (sum_{s<=t} a_ts + eps), a_ts = q_t . k_s: q, k [P, B, T, H, F], v [P, B, T, H, V] -> v's shape. */
export function fusedLinearAttention(q: tf.Tensor5D, k: tf.Tensor5D, v: tf.Tensor5D, eps: number): tf.Tensor5D {
  return attention(q, k, v, { weighting: "linear", eps, scale: 1, left: Number.POSITIVE_INFINITY, right: 0 });
}

function attention(
  q: tf.Tensor5D,
  k: tf.Tensor5D,
  v: tf.Tensor5D,
  attributes: AttentionWindows & AttentionWeighting,
): tf.Tensor5D {
  const attend = tf.customGrad((...given) => {
    const save = given.pop() as tf.GradSaveFunc;
    const inputs = named(["q", "k", "v"], given as tf.Tensor[]);
    const out = run("Attention", inputs, { ...attributes });
    const all = { ...inputs, out, statistics: run("AttentionStatistics", inputs, { ...attributes }) };
    save(Object.values(all));
    const gradFunc = (dout: tf.Tensor, saved: tf.Tensor[]) => {
      const known = { ...named(Object.keys(all), saved), dout };
      return ["query", "key", "value"].map((of) => run("AttentionGradient", known, { ...attributes, of }));
    };
    return { value: out, gradFunc };
  });
  return attend(q, k, v) as tf.Tensor5D;
}

export interface SelectiveScan {
  readonly u: tf.Tensor4D; // [P, B, T, E]
  /** Steps, positive. */
  readonly dt: tf.Tensor4D; // [P, B, T, E]
  /** Rates, negative. */
  readonly a: tf.Tensor3D; // [P, E, N]
  readonly b: tf.Tensor4D; // [P, B, T, N]
  readonly c: tf.Tensor4D; // [P, B, T, N]
}

/** h_t = exp(dt_t a) h_{t-1} + dt_t u_t b_t, y_t = c_t . h_t, with N states for every channel -> y [P, B, T, E]. */
export function fusedSelectiveScan({ u, dt, a, b, c }: SelectiveScan): tf.Tensor4D {
  return runWithGradients("SelectiveScan", { u, dt, a, b, c }) as tf.Tensor4D;
}

/** h_t = decay_t h_{t-1} + input_t, or in reverse from h_{t+1}, without a gradient. decay, input [R, T, C] -> h. */
export function fusedRecurrence(decay: tf.Tensor3D, input: tf.Tensor3D, reverse: boolean): tf.Tensor3D {
  return run("Recurrence", { decay, input }, { reverse }) as tf.Tensor3D;
}

/** w3 (silu(w1 x) * (w2 x)): x [P, B, T, D], w1 and w2 [P, I, D], w3 [P, D, I] -> [P, B, T, D]. */
export function fusedGatedMlp(x: tf.Tensor4D, w1: tf.Tensor, w2: tf.Tensor, w3: tf.Tensor): tf.Tensor4D {
  return runWithGradients("GatedMlp", { x, w1, w2, w3 }) as tf.Tensor4D;
}

/**
 * y_t = sum_k weight[k] x_{t - (K-1) + k} + bias in every channel; channel c reads channel c mod I of x.
 * x [P, B, T, I], weight [P, C, 1, K], bias [P, C] -> [P, B, T, C].
 */
export function fusedShortConvolution(x: tf.Tensor4D, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor4D {
  const names = ["x", "weight", ...(bias ? ["bias"] : [])];
  const convolve = tf.customGrad((...given) => {
    const save = given.pop() as tf.GradSaveFunc;
    const inputs = named(names, given as tf.Tensor[]);
    save([inputs.x as tf.Tensor, inputs.weight as tf.Tensor]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      names.map((of) => run("ShortConvolutionGradient", { ...named(["x", "weight"], saved), dy }, { of }));
    return { value: run("ShortConvolution", inputs, {}), gradFunc };
  });
  return convolve(x, weight, ...(bias ? [bias] : [])) as tf.Tensor4D;
}

export interface ResidualNorm {
  /** x + update. */
  readonly sum: tf.Tensor4D;
  /** sum / sqrt(mean(sum^2) + eps) * weight. */
  readonly normal: tf.Tensor4D;
}

/** x and update, where there is one, [P, B, T, D], weight [P, D]. */
export function fusedResidualNorm(
  x: tf.Tensor4D,
  update: tf.Tensor4D | undefined,
  weight: tf.Tensor,
  eps: number,
): ResidualNorm {
  const inputs = { x, ...(update && { update }), weight };
  const results = tf.engine().runKernel("ResidualNorm", inputs, { eps }) as unknown as [tf.Tensor4D, tf.Tensor4D];
  return { sum: results[0], normal: results[1] };
}

tf.registerGradient({
  kernelName: "ResidualNorm",
  inputsToSave: ["weight"],
  outputsToSave: [true, false],
  gradFunc: (dys, [weight, sum], attributes) => {
    const [dSum, dNormal] = dys as unknown as [tf.Tensor, tf.Tensor];
    const known = { sum, weight, dSum, dNormal } as Record<string, tf.Tensor>;
    const gradient = (of: string) => () => run("ResidualNormGradient", known, { ...attributes, of });
    return { x: gradient("x"), update: gradient("x"), weight: gradient("weight") };
  },
});

/** y_t = sum over s <= t of filter_{t-s} x_s. filter [P, C, T], x [P, B, T, C] -> [P, B, T, C]. */
export function fusedCausalConvolution(filter: tf.Tensor3D, x: tf.Tensor4D): tf.Tensor4D {
  return runWithGradients("CausalConvolution", { filter, x }) as tf.Tensor4D;
}

/** The kernel, with `<kernel>Gradient` of its inputs and dy giving the gradient of each. */
function runWithGradients(kernel: string, inputs: Readonly<Record<string, tf.Tensor>>): tf.Tensor {
  const names = Object.keys(inputs);
  const compute = tf.customGrad((...given) => {
    const save = given.pop() as tf.GradSaveFunc;
    save(given as tf.Tensor[]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      names.map((of) => run(`${kernel}Gradient`, { ...named(names, saved), dy }, { of }));
    return { value: run(kernel, named(names, given as tf.Tensor[]), {}), gradFunc };
  });
  return compute(...Object.values(inputs));
}

function named(names: readonly string[], tensors: readonly tf.Tensor[]): Record<string, tf.Tensor> {
  return Object.fromEntries(names.map((name, i) => [name, tensors[i] as tf.Tensor]));
}

function run(kernel: string, inputs: Record<string, tf.Tensor>, attributes: Record<string, unknown>): tf.Tensor {
  return tf.engine().runKernel(kernel, inputs, attributes as unknown as tf.NamedAttrMap);
}
