// Linear attention against a loop over tokens with explicit features, written from the papers.
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../genome/index.ts";
import type { FeatureMapName } from "../../genome/palette/linear-attention.ts";
import { featureMaps as palette } from "../../genome/palette/linear-attention.ts";
import { normal } from "../../operators/initialize.ts";
import { averageOverPast } from "../../operators/linear-attention/chunked.ts";
import { featureMaps } from "../../operators/linear-attention/feature-maps.ts";
import { hedgehogAttention } from "../../operators/linear-attention/hedgehog.ts";
import { attendLinearly, linearAttention } from "../../operators/linear-attention/index.ts";
import type { Operator } from "../../operators/types.ts";
import { sizeOf } from "../../workers/engine/graph.ts";
import { trace } from "../../workers/engine/trace.ts";
import { distance } from "./distance.ts";
import { linear, type PlainWeights, type Sequence, tryOperator, worstError } from "./plain.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

type SlowMap = (z: number[], weights: (name: string) => ArrayLike<number>) => number[];

const slowMaps: Record<FeatureMapName, SlowMap> = {
  "elementwise-product": (z, weights) => {
    const [a, b] = [affine(z, weights, "layer1"), affine(z, weights, "layer2")];
    return a.map((value, i) => value * (b[i] ?? 0));
  },
  elu: (z) => z.map((value) => (value > 0 ? value + 1 : Math.exp(value))),
  relu: (z) => z.map((value) => Math.max(value, 0)),
  taylor: (z) => {
    const k = z.length;
    const squares = z.map((value) => value ** 2 / Math.sqrt(2 * k));
    const pairs = z.flatMap((value, i) => z.slice(i + 1).map((other) => (value * other) / Math.sqrt(k)));
    return [1, ...z.map((value) => value / k ** 0.25), ...squares, ...pairs];
  },
  hedgehog: (z, weights) => {
    const u = affine(z, weights, "layer");
    return softmax([...u.map((value) => 2 * value), ...u.map((value) => -2 * value)]);
  },
  t2r: (z, weights) => affine(z, weights, "layer").map((value) => Math.max(value, 0)),
  dpfp: (z) => {
    const u = [...z.map((value) => Math.max(value, 0)), ...z.map((value) => -Math.max(value, 0))];
    return [1, 2, 3, 4].flatMap((j) => u.map((value, i) => value * (u.at((i - j) % u.length) ?? 0)));
  },
  identity: (z) => z,
};

function affine(z: number[], weights: (name: string) => ArrayLike<number>, name: string): number[] {
  return linear([z], weights(`${name}.weight`), weights(`${name}.bias`))[0] ?? [];
}

function softmax(z: number[]): number[] {
  const exponentials = z.map(Math.exp);
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  return exponentials.map((value) => value / total);
}

interface Slow {
  readonly heads: number;
  readonly q: (z: number[], t: number, head: number) => number[];
  readonly k: (z: number[], t: number, head: number) => number[];
  /** Names of the projections of q, k, v and the output. */
  readonly names?: readonly string[];
}

/** The recurrent form: S_t = S_{t-1} + phi(k) v^T, z_t = z_{t-1} + phi(k), y = phi(q) S / (phi(q) z + eps). */
function slowLinearAttention(weights: PlainWeights, x: Sequence, { heads, q, k, names }: Slow): number[][] {
  const [toQ, toK, toV, toY] = (names ?? ["proj_q", "proj_k", "proj_v", "out_proj"]).map(
    (name) => weights[`${name}.weight`] ?? [],
  );
  const split = (rows: number[][], head: number) => {
    const width = (rows[0]?.length ?? 0) / heads;
    return rows.map((row) => row.slice(head * width, (head + 1) * width));
  };
  const [qs, ks, vs] = [linear(x, toQ ?? []), linear(x, toK ?? []), linear(x, toV ?? [])];
  const mixed: number[][] = x.map(() => []);
  for (let head = 0; head < heads; head++) {
    const values = split(vs, head);
    const state: number[][] = [];
    const normaliser: number[] = [];
    const keys = split(ks, head);
    for (const [t, query] of split(qs, head).entries()) {
      for (const [f, feature] of k(keys[t] ?? [], t, head).entries()) {
        normaliser[f] = (normaliser[f] ?? 0) + feature;
        state[f] = (values[t] ?? []).map((value, c) => (state[f]?.[c] ?? 0) + feature * value);
      }
      const phi = q(query, t, head);
      const denominator = phi.reduce((sum, feature, f) => sum + feature * (normaliser[f] ?? 0), 1e-12);
      for (let c = 0; c < (values[0]?.length ?? 0); c++) {
        mixed[t]?.push(phi.reduce((sum, feature, f) => sum + feature * (state[f]?.[c] ?? 0), 0) / denominator);
      }
    }
  }
  return linear(mixed, toY ?? []);
}

const mapNames = Object.keys(featureMaps) as FeatureMapName[];

/** Signed normalisers may be near zero, where float32 has few digits left. */
const signed: readonly FeatureMapName[] = ["elementwise-product", "identity", "dpfp"];
const allowed = (name: FeatureMapName) => (signed.includes(name) ? 1e-3 : 1e-5);

describe.each(mapNames)("linear attention with the map %s equals the recurrent form", (featureMap) => {
  const slowMap = (weights: PlainWeights, z: number[], module: string, divide = false) => {
    const phi = slowMaps[featureMap](z, (name) => weights[`${module}.${name}`] ?? []);
    const total = phi.reduce((sum, value) => sum + value, 1e-4);
    return divide ? phi.map((value) => value / total) : phi;
  };

  test.each([0, 3, 5])("%i channels of query and key in a head", (featureDim) => {
    const options = { heads: 2, featureMap, featureDim };
    const trial = tryOperator(linearAttention, options, { width: 6, length: 7 });
    const slow = (weights: PlainWeights, x: Sequence) =>
      slowLinearAttention(weights, x, {
        heads: 2,
        q: (z) => slowMap(weights, z, "feature_map_q"),
        k: (z) => slowMap(weights, z, "feature_map_k"),
      });
    expect(worstError(trial, slow)).toBeLessThan(allowed(featureMap));
  });

  test.each([
    { normalizeQ: true, normalizeK: false, tied: false },
    { normalizeQ: false, normalizeK: true, tied: false },
    { normalizeQ: true, normalizeK: true, tied: true },
  ])("normalised and tied as in mad-lab: $normalizeQ, $normalizeK, $tied", ({ normalizeQ, normalizeK, tied }) => {
    const options = { heads: 2, featureMap, featureDim: 0 };
    const variant: Operator = {
      parameters(_, context) {
        const all = Object.entries(linearAttention.parameters(options, context));
        return Object.fromEntries(all.filter(([name]) => !(tied && name.startsWith("feature_map_k"))));
      },
      apply: (weights, x) => attendLinearly(weights, x, { ...options, normalizeQ, normalizeK }),
    };
    const trial = tryOperator(variant, {}, { width: 6, length: 7 });
    const slow = (weights: PlainWeights, x: Sequence) =>
      slowLinearAttention(weights, x, {
        heads: 2,
        q: (z) => slowMap(weights, z, "feature_map_q", normalizeQ),
        k: (z) => slowMap(weights, z, tied ? "feature_map_q" : "feature_map_k", normalizeK),
      });
    expect(worstError(trial, slow)).toBeLessThan(allowed(featureMap));
  });

  test("has the parameters that the palette counts", () => {
    const specs = Object.values(featureMaps[featureMap].parameters(5));
    const count = specs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(count).toBe(palette[featureMap].parameters(5));
  });
});

describe("Hedgehog as LoLCATs has it equals the recurrent form", () => {
  const [width, heads, k] = [8, 2, 4];
  const activations: Record<string, (u: number[]) => number[]> = {
    softmax_dim: softmax,
    exp_dim: (u) => u.map((value) => Math.exp(value - Math.max(...u))),
    pos_elu: (u) => u.map((value) => (value > 0 ? value + 1 : Math.exp(value))),
    relu: (u) => u.map((value) => Math.max(value, 0)),
  };
  const onlyOnce = ["pos_elu", "relu"];

  test.each(
    (["softmax_dim", "exp_dim", "pos_elu", "relu"] as const).flatMap((activation) => [
      { activation, fullSpace: true, skipConnection: false, rotary: false },
      { activation, fullSpace: false, skipConnection: true, rotary: true },
    ]),
  )("$activation, both signs $fullSpace, skip $skipConnection, rotary $rotary", (options) => {
    const { activation, fullSpace, skipConnection, rotary } = options;
    const operator: Operator = {
      parameters: () => ({
        ...Object.fromEntries(
          ["q_proj", "k_proj", "v_proj", "o_proj"].map((n) => [`${n}.weight`, normal([width, width])]),
        ),
        "feature_map_q.mlp.layer": normal([heads, k, k]),
        "feature_map_k.mlp.layer": normal([heads, k, k]),
      }),
      apply: (weights, x) => hedgehogAttention(weights, x, { heads, eps: 1e-12, ...options }),
    };
    const features = (weights: PlainWeights, module: string) => (z: number[], t: number, head: number) => {
      const placed = rotary ? turned(z, t) : z;
      const layer = weights[`${module}.mlp.layer`] ?? [];
      const u = placed.map((value, f) =>
        placed.reduce(
          (sum, input, d) => sum + input * (layer[(head * k + d) * k + f] ?? 0),
          skipConnection ? value : 0,
        ),
      );
      const map = activations[activation] as (u: number[]) => number[];
      const twoSided = fullSpace && !onlyOnce.includes(activation);
      return [...map(u), ...(twoSided ? map(u.map((value) => -value)) : [])].map((value) => Math.max(value, 1e-12));
    };
    const trial = tryOperator(operator, {}, { width, length: 6 });
    const slow = (weights: PlainWeights, x: Sequence) =>
      slowLinearAttention(weights, x, {
        heads,
        q: features(weights, "feature_map_q"),
        k: features(weights, "feature_map_k"),
        names: ["q_proj", "k_proj", "v_proj", "o_proj"],
      });
    expect(worstError(trial, slow)).toBeLessThan(1e-4);
  });

  /** Rotary embedding over the whole head, halves paired. */
  function turned(z: number[], t: number): number[] {
    return z.map((value, i) => {
      const angle = t * 10_000 ** ((-2 * (i % (k / 2))) / k);
      return i < k / 2
        ? value * Math.cos(angle) - (z[i + k / 2] ?? 0) * Math.sin(angle)
        : value * Math.cos(angle) + (z[i - k / 2] ?? 0) * Math.sin(angle);
    });
  }
});

describe("attention in chunks equals the quadratic form, eq. 8 of arXiv:2006.16236, in values and gradients", () => {
  const random = new Random("chunks");
  const positive = (shape: [number, number, number, number, number]) =>
    tf.tensor5d(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.exp(random.normal())),
      shape,
    );
  const quadratic = (q: tf.Tensor5D, k: tf.Tensor5D, v: tf.Tensor5D): tf.Tensor => {
    const byHead = (x: tf.Tensor5D) => tf.transpose(x, [0, 1, 3, 2, 4]);
    const mask = tf.linalg.bandPart(tf.ones([q.shape[2], q.shape[2]]), -1, 0);
    const scores = tf.mul(tf.matMul(byHead(q), byHead(k), false, true), mask);
    return byHead(tf.div(tf.matMul(scores, byHead(v)), tf.sum(scores, -1, true)) as tf.Tensor5D);
  };

  test.each([
    { length: 96, chunks: 3 },
    { length: 34, chunks: 2 },
    { length: 37, chunks: 1 },
  ])("$length tokens in $chunks chunks", ({ length, chunks }) => {
    const [members, batch, heads, features, width] = [2, 2, 2, 3, 4];
    const q = positive([members, batch, length, heads, features]);
    const k = positive([members, batch, length, heads, features]);
    const v = positive([members, batch, length, heads, width]);
    const dy = positive(v.shape);
    const chunked = (q: tf.Tensor5D, k: tf.Tensor5D, v: tf.Tensor5D) => averageOverPast(q, k, v, { eps: 0 });
    expect(distance(chunked(q, k, v), quadratic(q, k, v))).toBeLessThan(1e-5);
    const gradients = [chunked, quadratic].map((form) =>
      tf.grads((...x: tf.Tensor[]) => tf.sum(tf.mul(form(...(x as Parameters<typeof form>)), dy)))([q, k, v]),
    );
    for (const [i, gradient] of gradients[0]!.entries())
      expect(distance(gradient, gradients[1]![i]!)).toBeLessThan(
        1e-4 * (gradients[1]![i]!.abs().max().arraySync() as number),
      );

    const spec = (x: tf.Tensor) => ({ shape: x.shape, dtype: "float32" }) as const;
    const graph = trace({ q: spec(q), k: spec(k), v: spec(v) }, ({ q, k, v }) => ({
      y: chunked(q as tf.Tensor5D, k as tf.Tensor5D, v as tf.Tensor5D),
    }));
    const largest = Math.max(...graph.nodes.map(({ output }) => sizeOf(output.shape)));
    expect(largest).toBe(members * batch * heads * length * (length / chunks));
  });
});
