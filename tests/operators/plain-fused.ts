// The fused kernels as loops over plain arrays, written from their equations, for tfjs's "cpu" backend.
import * as tf from "@tensorflow/tfjs";
import type { AttentionWeighting, AttentionWindows, FusedKernel } from "../../operators/fused.ts";

type Kernel = tf.KernelFunc;
type Call = Parameters<Kernel>[0];

export const plainFusedKernels: Record<FusedKernel, Record<string, Kernel>> = {
  Attention: {
    Attention: (call) => {
      const { shape } = inputOf(call, "q");
      return tensor([...shape.slice(0, 4), inputOf(call, "v").shape[4]!], attend(call).out);
    },
    AttentionStatistics: (call) => {
      const [members = 1, batch = 1, length = 1, heads = 1] = inputOf(call, "q").shape;
      return tensor([members, batch, heads, length], attend(call).statistics);
    },
    AttentionGradient: (call) => {
      const { of } = call.attrs as unknown as { of: "query" | "key" | "value" };
      const input = { query: "q", key: "k", value: "v" }[of];
      return result(call, input, attendBackward(call)[of]);
    },
  },
  SelectiveScan: {
    SelectiveScan: (call) => result(call, "u", scan(call).y),
    SelectiveScanGradient: (call) => {
      const { of } = call.attrs as unknown as { of: "u" | "dt" | "a" | "b" | "c" };
      return result(call, of, scanBackward(call)[of]);
    },
  },
  GatedMlp: {
    GatedMlp: (call) => result(call, "x", gatedMlp(call).y),
    GatedMlpGradient: (call) => {
      const { of } = call.attrs as unknown as { of: "x" | "w1" | "w2" | "w3" };
      return result(call, of, gatedMlp(call)[of]);
    },
  },
  ShortConvolution: {
    ShortConvolution: (call) => {
      const { y, shape } = shortConvolution(call);
      return tensor(shape, y);
    },
    ShortConvolutionGradient: (call) => {
      const { of } = call.attrs as unknown as { of: "x" | "weight" | "bias" };
      const all = shortConvolution(call);
      if (of !== "bias") return result(call, of, all[of]);
      return tensor(inputOf(call, "weight").shape.slice(0, 2), all.bias);
    },
  },
  ResidualNorm: {
    ResidualNorm: (call) => {
      const { sum, normal } = residualNorm(call);
      return [result(call, "x", sum), result(call, "x", normal)];
    },
    ResidualNormGradient: (call) => {
      const { of } = call.attrs as unknown as { of: "x" | "weight" };
      return result(call, of === "x" ? "sum" : "weight", residualNormBackward(call)[of]);
    },
  },
  Recurrence: {
    Recurrence: (call) => {
      const { reverse } = call.attrs as unknown as { reverse: boolean };
      const [decay, input] = [inputOf(call, "decay"), inputOf(call, "input")];
      const [rows = 1, length = 1, channels = 1] = input.shape;
      const h = new Float64Array(input.values.length);
      for (let row = 0; row < rows; row++)
        for (let channel = 0; channel < channels; channel++) {
          let state = 0;
          for (let step = 0; step < length; step++) {
            const t = reverse ? length - 1 - step : step;
            const here = (row * length + t) * channels + channel;
            state = decay.values[here]! * state + input.values[here]!;
            h[here] = state;
          }
        }
      return result(call, "input", h);
    },
  },
  CausalConvolution: {
    CausalConvolution: (call) => {
      const [filter, x] = [inputOf(call, "filter"), inputOf(call, "x")];
      const y = new Float64Array(x.values.length);
      eachTap(call, ({ tap, s, t }) => {
        y[t]! += filter.values[tap]! * x.values[s]!;
      });
      return result(call, "x", y);
    },
    CausalConvolutionGradient: (call) => {
      const { of } = call.attrs as unknown as { of: "filter" | "x" };
      const [filter, x, dy] = [inputOf(call, "filter"), inputOf(call, "x"), inputOf(call, "dy")];
      const gradients = {
        filter: new Float64Array(filter.values.length),
        x: new Float64Array(x.values.length),
      };
      eachTap(call, ({ tap, s, t }) => {
        gradients.filter[tap]! += dy.values[t]! * x.values[s]!;
        gradients.x[s]! += dy.values[t]! * filter.values[tap]!;
      });
      return result(call, of, gradients[of]);
    },
  },
};

/** Calls `visit` for every pair of tokens s <= t of one channel and sequence, with the places of x_s, y_t and tap t - s. */
function eachTap(
  call: Call,
  visit: (pair: { readonly tap: number; readonly s: number; readonly t: number }) => void,
): void {
  const [members = 1, batch = 1, length = 1, channels = 1] = inputOf(call, "x").shape;
  for (let sequence = 0; sequence < members * batch; sequence++)
    for (let channel = 0; channel < channels; channel++)
      for (let t = 0; t < length; t++)
        for (let s = 0; s <= t; s++) {
          const system = Math.floor(sequence / batch) * channels + channel;
          const at = (token: number) => (sequence * length + token) * channels + channel;
          visit({ tap: system * length + t - s, s: at(s), t: at(t) });
        }
}

/** A query and a key that it sees, with the places of their first channels in q, k, v and out. */
interface Pair {
  readonly query: number;
  readonly q: number;
  readonly k: number;
  readonly v: number;
  readonly out: number;
}

function eachPair(call: Call, visit: (pair: Pair) => void): void {
  const { left, right } = call.attrs as unknown as AttentionWindows;
  const [members = 1, batch = 1, length = 1, heads = 1, width = 1] = inputOf(call, "q").shape;
  const [kvHeads = 1, valueWidth = 1] = inputOf(call, "v").shape.slice(3);
  for (let sequence = 0; sequence < members * batch; sequence++)
    for (let head = 0; head < heads; head++)
      for (let t = 0; t < length; t++)
        for (let s = 0; s < length; s++) {
          if (s < t - left || s > t + right) continue;
          const group = Math.floor(head / (heads / kvHeads));
          const queryHead = (sequence * length + t) * heads + head;
          const keyHead = (sequence * length + s) * kvHeads + group;
          visit({
            ...{ query: (sequence * heads + head) * length + t, q: queryHead * width, k: keyHead * width },
            ...{ v: keyHead * valueWidth, out: queryHead * valueWidth },
          });
        }
}

function dot(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number, width: number): number {
  let sum = 0;
  for (let c = 0; c < width; c++) sum += a[i + c]! * b[j + c]!;
  return sum;
}

/** Weight of a score and its derivative, and the statistics of a query from the sum of its weights. */
const weightings: Readonly<
  Record<
    AttentionWeighting["weighting"],
    { weight(s: number): number; slope(s: number): number; statistics(total: number): number }
  >
> = {
  softmax: { weight: Math.exp, slope: Math.exp, statistics: Math.log },
  linear: { weight: (s) => s, slope: () => 1, statistics: (total) => 1 / total },
};

type Attention = AttentionWindows & AttentionWeighting;

/** Vaswani et al. 2017, eq. 1, and Katharopoulos et al. 2020, eq. 8, with eps in its denominator. */
function attend(call: Call): { out: Float64Array; statistics: Float64Array; totals: Float64Array } {
  const { scale, eps, weighting } = call.attrs as unknown as Attention;
  const [q, k, v] = [inputOf(call, "q"), inputOf(call, "k"), inputOf(call, "v")];
  const { weight, statistics } = weightings[weighting];
  const [width, valueWidth] = [q.shape[4]!, v.shape[4]!];
  const totals = new Float64Array(q.values.length / width).fill(eps);
  const out = new Float64Array((q.values.length / width) * valueWidth);
  eachPair(call, (pair) => {
    totals[pair.query]! += weight(scale * dot(q.values, pair.q, k.values, pair.k, width));
  });
  eachPair(call, (pair) => {
    const p = weight(scale * dot(q.values, pair.q, k.values, pair.k, width)) / totals[pair.query]!;
    for (let c = 0; c < valueWidth; c++) out[pair.out + c]! += p * v.values[pair.v + c]!;
  });
  return { out, statistics: totals.map(statistics), totals };
}

/** The chain rule through a weight over its query's total; rowsum(dO O) is rowsum(dP P), as out is P v. */
function attendBackward(call: Call): Record<"query" | "key" | "value", Float64Array> {
  const { scale, weighting } = call.attrs as unknown as Attention;
  const [q, k, v] = [inputOf(call, "q"), inputOf(call, "k"), inputOf(call, "v")];
  const [out, dout] = [inputOf(call, "out"), inputOf(call, "dout")];
  const { weight, slope } = weightings[weighting];
  const { totals } = attend(call);
  const [width, valueWidth] = [q.shape[4]!, v.shape[4]!];
  const gradients = {
    query: new Float64Array(q.values.length),
    key: new Float64Array(k.values.length),
    value: new Float64Array(v.values.length),
  };
  eachPair(call, (pair) => {
    const score = scale * dot(q.values, pair.q, k.values, pair.k, width);
    const total = totals[pair.query]!;
    const mean = dot(dout.values, pair.out, out.values, pair.out, valueWidth);
    const excess = dot(dout.values, pair.out, v.values, pair.v, valueWidth) - mean;
    const ds = (scale * slope(score) * excess) / total;
    for (let c = 0; c < width; c++) {
      gradients.query[pair.q + c]! += ds * k.values[pair.k + c]!;
      gradients.key[pair.k + c]! += ds * q.values[pair.q + c]!;
    }
    const p = weight(score) / total;
    for (let c = 0; c < valueWidth; c++) gradients.value[pair.v + c]! += p * dout.values[pair.out + c]!;
  });
  return gradients;
}

/** Gu and Dao 2023, algorithm 2: the states h [P, B, T, E, N] and y. */
function scan(call: Call): { y: Float64Array; h: Float64Array } {
  const [u, dt, a] = [inputOf(call, "u"), inputOf(call, "dt"), inputOf(call, "a")];
  const [b, c] = [inputOf(call, "b"), inputOf(call, "c")];
  const states = a.shape[2]!;
  const y = new Float64Array(u.values.length);
  const h = new Float64Array(u.values.length * states);
  eachState(call, ({ here, rate, perToken, state, before }) => {
    const kept = before === undefined ? 0 : Math.exp(dt.values[here]! * a.values[rate]!) * h[before]!;
    h[state] = kept + dt.values[here]! * u.values[here]! * b.values[perToken]!;
    y[here]! += c.values[perToken]! * h[state]!;
  });
  return { y, h };
}

/** The chain rule through `scan`, from the last token to the first. */
function scanBackward(call: Call): Record<"u" | "dt" | "a" | "b" | "c", Float64Array> {
  const [u, dt, a] = [inputOf(call, "u"), inputOf(call, "dt"), inputOf(call, "a")];
  const [b, c, dy] = [inputOf(call, "b"), inputOf(call, "c"), inputOf(call, "dy")];
  const { h } = scan(call);
  const adjoint = new Float64Array(h.length);
  const zeros = (like: Input) => new Float64Array(like.values.length);
  const gradients = { u: zeros(u), dt: zeros(dt), a: zeros(a), b: zeros(b), c: zeros(c) };
  const places: Place[] = [];
  eachState(call, (place) => places.push(place));
  for (const { here, rate, perToken, state, before } of places.reverse()) {
    gradients.c[perToken]! += dy.values[here]! * h[state]!;
    const dh = adjoint[state]! + dy.values[here]! * c.values[perToken]!;
    gradients.u[here]! += dh * dt.values[here]! * b.values[perToken]!;
    gradients.b[perToken]! += dh * dt.values[here]! * u.values[here]!;
    gradients.dt[here]! += dh * u.values[here]! * b.values[perToken]!;
    if (before === undefined) continue;
    const decay = Math.exp(dt.values[here]! * a.values[rate]!);
    adjoint[before] = dh * decay;
    gradients.dt[here]! += dh * h[before]! * decay * a.values[rate]!;
    gradients.a[rate]! += dh * h[before]! * decay * dt.values[here]!;
  }
  return gradients;
}

interface Place {
  /** In u, dt, y; in a; in b, c; in h, and the token before in h. */
  readonly here: number;
  readonly rate: number;
  readonly perToken: number;
  readonly state: number;
  readonly before: number | undefined;
}

function eachState(call: Call, visit: (place: Place) => void): void {
  const [members = 1, batch = 1, length = 1, channels = 1] = inputOf(call, "u").shape;
  const states = inputOf(call, "a").shape[2]!;
  for (let sequence = 0; sequence < members * batch; sequence++)
    for (let t = 0; t < length; t++)
      for (let channel = 0; channel < channels; channel++)
        for (let n = 0; n < states; n++) {
          const here = (sequence * length + t) * channels + channel;
          const rate = (Math.floor(sequence / batch) * channels + channel) * states + n;
          const state = here * states + n;
          const before = t === 0 ? undefined : state - channels * states;
          visit({ here, rate, perToken: (sequence * length + t) * states + n, state, before });
        }
}

/** Shazeer 2020, eq. 6, token by token, with the chain rule where a gradient dy is given. */
function gatedMlp(call: Call): Record<"y" | "x" | "w1" | "w2" | "w3", Float64Array> {
  const [x, w1, w2, w3] = ["x", "w1", "w2", "w3"].map((name) => inputOf(call, name)) as [Input, Input, Input, Input];
  const dy = "dy" in call.inputs ? inputOf(call, "dy").values : new Float32Array(x.values.length);
  const [members = 1, batch = 1, length = 1, width = 1] = x.shape;
  const inner = w1.shape[1]!;
  const zeros = (like: Input) => new Float64Array(like.values.length);
  const all = { y: zeros(x), x: zeros(x), w1: zeros(w1), w2: zeros(w2), w3: zeros(w3) };
  for (let token = 0; token < members * batch * length; token++) {
    const member = Math.floor(token / (batch * length));
    const here = token * width;
    for (let i = 0; i < inner; i++) {
      const row = (member * inner + i) * width;
      const column = (d: number) => (member * width + d) * inner + i;
      const [a, b] = [dot(x.values, here, w1.values, row, width), dot(x.values, here, w2.values, row, width)];
      const sigmoid = 1 / (1 + Math.exp(-a));
      let dH = 0;
      for (let d = 0; d < width; d++) {
        all.y[here + d]! += w3.values[column(d)]! * a * sigmoid * b;
        all.w3[column(d)]! += dy[here + d]! * a * sigmoid * b;
        dH += dy[here + d]! * w3.values[column(d)]!;
      }
      const dA = dH * b * (sigmoid + a * sigmoid * (1 - sigmoid));
      const dB = dH * a * sigmoid;
      for (let d = 0; d < width; d++) {
        all.w1[row + d]! += dA * x.values[here + d]!;
        all.w2[row + d]! += dB * x.values[here + d]!;
        all.x[here + d]! += dA * w1.values[row + d]! + dB * w2.values[row + d]!;
      }
    }
  }
  return all;
}

/** y_t = sum_k weight_k x_{t-(K-1)+k} + bias, tap by tap, with the chain rule where a gradient dy is given. */
function shortConvolution(call: Call) {
  const [x, weight] = [inputOf(call, "x"), inputOf(call, "weight")];
  const bias = "bias" in call.inputs ? inputOf(call, "bias").values : undefined;
  const dy = "dy" in call.inputs ? inputOf(call, "dy").values : undefined;
  const [members = 1, batch = 1, length = 1, inputs = 1] = x.shape;
  const [, channels = 1, , taps = 1] = weight.shape;
  const shape = [members, batch, length, channels];
  const zeros = (size: number) => new Float64Array(size);
  const y = zeros(members * batch * length * channels);
  const gradients = { x: zeros(x.values.length), weight: zeros(weight.values.length), bias: zeros(members * channels) };
  for (let place = 0; place < y.length; place++) {
    const channel = place % channels;
    const token = Math.floor(place / channels);
    const system = Math.floor(token / (batch * length)) * channels + channel;
    y[place]! += bias?.[system] ?? 0;
    gradients.bias[system]! += dy?.[place] ?? 0;
    for (let k = 0; k < taps; k++) {
      const distance = taps - 1 - k;
      if ((token % length) - distance < 0) continue;
      const past = (token - distance) * inputs + (channel % inputs);
      const tap = system * taps + k;
      y[place]! += weight.values[tap]! * x.values[past]!;
      gradients.x[past]! += weight.values[tap]! * (dy?.[place] ?? 0);
      gradients.weight[tap]! += x.values[past]! * (dy?.[place] ?? 0);
    }
  }
  return { y, shape, ...gradients };
}

/** Zhang and Sennrich 2019, eq. 4, token by token. */
function residualNorm(call: Call): { sum: Float64Array; normal: Float64Array } {
  const [x, weight] = [inputOf(call, "x"), inputOf(call, "weight")];
  const { eps } = call.attrs as unknown as { eps: number };
  const update = "update" in call.inputs ? inputOf(call, "update").values : undefined;
  const sum = Float64Array.from(x.values, (value, i) => value + (update?.[i] ?? 0));
  const normal = new Float64Array(sum.length);
  eachToken(x.shape, ({ here, width, ofWeight }) => {
    const scale = 1 / Math.sqrt(dot(sum, here, sum, here, width) / width + eps);
    for (let d = 0; d < width; d++) normal[here + d] = sum[here + d]! * scale * weight.values[ofWeight + d]!;
  });
  return { sum, normal };
}

/** With r = 1 / sqrt(mean(s^2) + eps): ds_j = g_j w_j r - s_j r^3 mean(g w s), and what came for the sum itself. */
function residualNormBackward(call: Call): { x: Float64Array; weight: Float64Array } {
  const [sum, weight] = [inputOf(call, "sum"), inputOf(call, "weight")];
  const [dSum, dNormal] = [inputOf(call, "dSum"), inputOf(call, "dNormal")];
  const { eps } = call.attrs as unknown as { eps: number };
  const all = { x: Float64Array.from(dSum.values), weight: new Float64Array(weight.values.length) };
  eachToken(sum.shape, ({ here, width, ofWeight }) => {
    const r = 1 / Math.sqrt(dot(sum.values, here, sum.values, here, width) / width + eps);
    let mean = 0;
    for (let d = 0; d < width; d++) {
      mean += (dNormal.values[here + d]! * weight.values[ofWeight + d]! * sum.values[here + d]!) / width;
      all.weight[ofWeight + d]! += dNormal.values[here + d]! * sum.values[here + d]! * r;
    }
    for (let d = 0; d < width; d++) {
      all.x[here + d]! +=
        dNormal.values[here + d]! * weight.values[ofWeight + d]! * r - sum.values[here + d]! * r ** 3 * mean;
    }
  });
  return all;
}

/** `here` and `ofWeight` are places of a token's first channel in [P, B, T, D] and [P, D]. */
function eachToken(
  [members = 1, batch = 1, length = 1, width = 1]: readonly number[],
  visit: (token: { readonly here: number; readonly width: number; readonly ofWeight: number }) => void,
): void {
  for (let token = 0; token < members * batch * length; token++) {
    visit({ here: token * width, width, ofWeight: Math.floor(token / (batch * length)) * width });
  }
}

interface Input {
  readonly values: Float32Array;
  readonly shape: readonly number[];
}

function inputOf({ inputs }: Call, name: string): Input {
  const info = (inputs as tf.NamedTensorInfoMap)[name]!;
  return { values: tf.backend().readSync(info.dataId) as Float32Array, shape: info.shape };
}

function result(call: Call, like: string, values: Float64Array): tf.TensorInfo {
  return tensor(inputOf(call, like).shape, values);
}

function tensor(shape: readonly number[], values: Float64Array): tf.TensorInfo {
  const dataId = tf.backend().write(Float32Array.from(values), [...shape], "float32");
  return { dataId, shape: [...shape], dtype: "float32" };
}
