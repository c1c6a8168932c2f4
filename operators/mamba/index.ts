// Mamba: a diagonal state space model whose step, input and output maps depend on the token, between gates.
//
// Gu and Dao 2023, "Mamba", arXiv:2312.00752, algorithm 2 and eq. 2-4. As published, A is discretised by the exponential
// and B by Euler's rule. E = expand D inner channels, N states each.
import * as tf from "@tensorflow/tfjs";
import type { MambaOptions } from "../../genome/palette/mamba.ts";
import { fusedSelectiveScan, hasKernel, type SelectiveScan } from "../fused.ts";
import { depthwiseLayer, drawn, linearLayer, ones, uniform } from "../initialize.ts";
import { perMember, project, shortConvolution, silu, weight } from "../parts.ts";
import { linearRecurrence } from "../scan.ts";
import type { Operator, ParameterSpec, Weights } from "../types.ts";

/** Steps start log-uniform in this range; every state decays by exp(-step n), n = 1 ... N, per token. */
const firstSteps = { least: 1e-3, most: 0.1 };

export const mamba: Operator<MambaOptions> = {
  parameters({ stateSize, convolution, expand }, { width }) {
    const inner = expand * width;
    const rank = Math.ceil(width / 16);
    return {
      ...linearLayer("in_proj", width, 2 * inner),
      ...depthwiseLayer("conv1d", inner, convolution),
      ...linearLayer("x_proj", inner, rank + 2 * stateSize),
      "dt_proj.weight": uniform([inner, rank], rank ** -0.5),
      "dt_proj.bias": stepBias(inner),
      A_log: { shape: [inner, stateSize], initialize: (_, [, n = 1]) => logarithms(inner, n) },
      D: ones([inner]),
      ...linearLayer("out_proj", inner, width),
    };
  },

  apply(weights, x) {
    const [signal, gate] = tf.split(project(x, weights, "in_proj"), 2, -1) as [tf.Tensor4D, tf.Tensor4D];
    const u = silu(shortConvolution(signal, weight(weights, "conv1d.weight"), weights["conv1d.bias"]));
    return project(tf.mul(selectiveSystem(weights, u), silu(gate)), weights, "out_proj");
  },
};

/** y_t = C_t h_t + D u_t, with steps, B and C chosen by u. u [P, B, T, E] -> y [P, B, T, E]. */
function selectiveSystem(weights: Weights, u: tf.Tensor4D): tf.Tensor4D {
  const logA: tf.Tensor3D = weight(weights, "A_log") as tf.Tensor3D; // [P, E, N]
  const states = logA.shape[2];
  const rank = weight(weights, "dt_proj.weight").shape[2] ?? 1;

  const selected = tf.split(project(u, weights, "x_proj"), [rank, states, states], -1) as tf.Tensor4D[];
  const [step, b, c] = selected as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const dt = tf.softplus(project(step, weights, "dt_proj")); // [P, B, T, E]
  const scan = hasKernel("SelectiveScan") ? fusedSelectiveScan : composedSelectiveScan;
  const y = scan({ u, dt, a: tf.neg(tf.exp(logA)), b, c });
  return tf.add(y, tf.mul(u, perMember(weight(weights, "D"), 4)));
}

/** `fusedSelectiveScan` in tfjs's operations. */
function composedSelectiveScan({ u, dt, a, b, c }: SelectiveScan): tf.Tensor4D {
  const [members, batch, length, inner] = u.shape;
  const states = a.shape[2];
  const row = (x: tf.Tensor): tf.Tensor5D => tf.reshape(x, [members, batch, length, 1, x.shape[3] ?? 1]);
  const asRows = (x: tf.Tensor): tf.Tensor3D => tf.reshape(x, [members * batch, length, states * inner]);

  const rates = perMember(tf.transpose(a, [0, 2, 1]), 5); // [P, 1, 1, N, E]
  const decay = tf.exp(tf.mul(row(dt), rates)); // [P, B, T, N, E]
  // Products of one row and one column: with their sums in the gradient they take a pass less than multiplications.
  const input = tf.matMul(row(b), row(tf.mul(dt, u)), true, false);
  const h: tf.Tensor5D = tf.reshape(
    linearRecurrence(asRows(decay), asRows(input)),
    input.shape as tf.Tensor5D["shape"],
  );
  return tf.reshape(tf.matMul(row(c), h), u.shape);
}

/** softplus(bias) is a step, at least 1e-4. */
function stepBias(channels: number): ParameterSpec {
  const { least, most } = firstSteps;
  const bias = drawn([channels], (random) => {
    const step = Math.max(least * (most / least) ** random.uniform(), 1e-4);
    return step + Math.log(-Math.expm1(-step));
  });
  return { ...bias, isKeptByBackbone: true };
}

/** log 1 ... log N in every row. */
function logarithms(rows: number, states: number): Float32Array {
  return Float32Array.from({ length: rows * states }, (_, i) => Math.log((i % states) + 1));
}
