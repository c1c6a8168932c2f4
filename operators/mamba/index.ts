// Mamba: a diagonal state space model whose step, input and output maps depend on the token, between gates.
//
// Gu and Dao 2023, "Mamba", arXiv:2312.00752, algorithm 2 and eq. 2-4. As published, A is discretised by the exponential
// and B by Euler's rule. E = expand D inner channels, N states each.
import * as tf from "@tensorflow/tfjs";
import type { MambaOptions } from "../../genome/palette/mamba.ts";
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
    return project(tf.mul(selectiveScan(weights, u), silu(gate)), weights, "out_proj");
  },
};

/**
 * h_t = exp(dt_t A) h_{t-1} + dt_t B_t u_t, y_t = C_t h_t + D u_t, for every channel with states of its own.
 * u [P, B, T, E] -> y [P, B, T, E].
 */
function selectiveScan(weights: Weights, u: tf.Tensor4D): tf.Tensor4D {
  const [members, batch, length, inner] = u.shape;
  const logA = weight(weights, "A_log"); // [P, E, N]
  const states = logA.shape[2] ?? 1;
  const rank = weight(weights, "dt_proj.weight").shape[2] ?? 1;

  const selected = tf.split(project(u, weights, "x_proj"), [rank, states, states], -1) as tf.Tensor4D[];
  const [step, b, c] = selected as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const dt = tf.softplus(project(step, weights, "dt_proj")); // [P, B, T, E]
  const a = tf.neg(tf.exp(tf.transpose(logA, [0, 2, 1]))); // [P, N, E]

  const perState = (x: tf.Tensor): tf.Tensor5D => tf.reshape(x, [members, batch, length, 1, inner]);
  const perChannel = (x: tf.Tensor): tf.Tensor5D => tf.reshape(x, [members, batch, length, states, 1]);
  const asRows = (x: tf.Tensor): tf.Tensor3D => tf.reshape(x, [members * batch, length, states * inner]);
  const decay = tf.exp(tf.mul(perState(dt), perMember(a, 5))); // [P, B, T, N, E]
  const input = tf.mul(perState(tf.mul(dt, u)), perChannel(b));
  const h = linearRecurrence(asRows(decay), asRows(input));

  const read = tf.mul(tf.reshape(h, [members, batch, length, states, inner]), perChannel(c));
  return tf.add(tf.sum(read, 3), tf.mul(u, perMember(weight(weights, "D"), 4)));
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
