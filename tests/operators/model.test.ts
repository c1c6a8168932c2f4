import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { GenomeError, genomeCosts, knownDesigns, parseGenome, Random } from "../../genome/index.ts";
import { autoencoder, type Pooling } from "../../operators/backbones/autoencoder.ts";
import { embed } from "../../operators/backbones/embedding.ts";
import { drawParameters, sizeOf } from "../../operators/initialize.ts";
import { type BackboneName, buildModel } from "../../operators/model.ts";
import type { Model, Weights } from "../../operators/types.ts";
import { distance } from "./distance.ts";
import { gelu, linear, type Sequence } from "./plain.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const sizes = { width: 16, length: 12, vocabulary: 11 };
/** Each of the ten operators stands in one of these. */
const genomes = [
  "11111{heads=4}-91111-51111-[22]1111-[18]1111{heads=4}",
  "71111-81111-[19]1111{heads=4}-[20]1111-[21]1111",
];

function build(text: string, backbone: BackboneName, more = {}): Model {
  return buildModel(parseGenome(text), { ...sizes, backbone, ...more });
}

/** The values of each parameter as first drawn, by name. */
function drawn(model: Model, seed = "draw"): Record<string, Float32Array> {
  const flat = drawParameters(model, new Random(seed));
  let end = 0;
  return Object.fromEntries(
    model.parameters.map(({ name, shape }) => {
      end += sizeOf(shape);
      return [name, flat.subarray(end - sizeOf(shape), end)];
    }),
  );
}

function weightsOf(model: Model, seeds: readonly string[]): Weights {
  const members = seeds.map((seed) => drawn(model, seed));
  return Object.fromEntries(
    model.parameters.map(({ name, shape }) => [
      name,
      tf.stack(members.map((values) => tf.tensor(values[name] as Float32Array, [...shape]))),
    ]),
  );
}

function tokens(members: number, batch: number, length: number): tf.Tensor3D {
  const random = new Random("tokens");
  const ids = Array.from({ length: members * batch * length }, () => random.integer(sizes.vocabulary));
  return tf.tensor3d(ids, [members, batch, length], "int32");
}

describe("a model of a genome", () => {
  test.each(["language-model", "autoencoder"] as const)(
    "%s: has the operators' parameters and the backbone's",
    (backbone) => {
      for (const { genome } of Object.values(knownDesigns)) {
        const model = build(genome, backbone, { width: 128, length: 64 });
        const { parameters } = genomeCosts(parseGenome(genome), { width: 128, length: 64 }, 1);
        const inLayers = model.parameters.filter(({ name }) => /^(model|encoder)\.\d+\.1\./.test(name));
        expect(inLayers.reduce((sum, { shape }) => sum + sizeOf(shape), 0)).toBe(parameters);
        expect(new Set(model.parameters.map(({ name }) => name)).size).toBe(model.parameters.length);
      }
    },
  );

  test("the language model around mad-lab's attention and SwiGLU has as many parameters as there", () => {
    const model = build("11111-91111-11111-91111", "language-model", { width: 128, length: 128, vocabulary: 16 });
    const count = model.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    // Embedding, two blocks of attention and SwiGLU with RMSNorms, RMSNorm and unembedding with bias.
    expect(count).toBe(16 * 128 + 2 * (66_048 + 135_168 + 2 * 128) + 128 + (16 * 128 + 16));
  });

  test.each(genomes)("%s: logits for every token and member, each member on its own", (text) => {
    const model = build(text, "language-model");
    const weights = weightsOf(model, ["a", "b"]);
    const ids = tokens(2, 3, 9);
    const logits = model.apply(weights, ids);
    expect(logits.shape).toEqual([2, 3, 9, sizes.vocabulary]);
    for (const member of [0, 1]) {
      const own = Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [name, tensor.slice(member, 1)]));
      expect(distance(model.apply(own, ids.slice(member, 1)), logits.slice(member, 1))).toBeLessThan(1e-5);
    }
  });

  test.each(genomes)("%s: a later token changes no earlier logits", (text) => {
    const model = build(text, "language-model");
    const weights = weightsOf(model, ["a"]);
    const ids = tokens(1, 2, 12);
    const early = tf.slice(ids, [0, 0, 0], [1, 2, 7]);
    const changed = tf.concat([early, tf.onesLike(tf.slice(ids, [0, 0, 7], [1, 2, 5]))], 2) as tf.Tensor3D;
    const first = (logits: tf.Tensor) => tf.slice(logits, [0, 0, 0, 0], [1, 2, 7, sizes.vocabulary]);
    expect(distance(first(model.apply(weights, ids)), first(model.apply(weights, changed)))).toBeLessThan(1e-6);
    expect(distance(model.apply(weights, ids), model.apply(weights, changed))).toBeGreaterThan(1e-3);
  });

  test.each(["language-model", "autoencoder"] as const)("%s: every parameter receives a gradient", (backbone) => {
    for (const text of genomes) {
      const model = build(text, backbone);
      const weights = weightsOf(model, ["a"]);
      const names = Object.keys(weights);
      const f = (...given: tf.Tensor[]) => {
        const named = Object.fromEntries(names.map((name, i) => [name, given[i] as tf.Tensor]));
        return tf.sum(tf.square(model.apply(named, tokens(1, 2, 12)))) as tf.Scalar;
      };
      for (const [i, gradient] of tf.grads(f)(Object.values(weights)).entries()) {
        expect(tf.max(tf.abs(gradient)).dataSync()[0], `${text}: ${names[i]}`).toBeGreaterThan(0);
      }
    }
  });

  test("a genome that fits no model of this width is refused with the segment and the reason", () => {
    const build = () => buildModel(parseGenome("91111-11111"), { ...sizes, width: 20, backbone: "language-model" });
    expect(build).toThrow(GenomeError);
    expect(build).toThrow("segment 2: attention: heads 16 does not divide width 20");
  });
});

describe("parameters start", () => {
  const deviation = (values: Float32Array) =>
    Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);

  test("in the language model as their layers say, with embedding N(0, 0.02) and linear biases zero", () => {
    const values = drawn(build("11111-51111-81111", "language-model", { width: 64, length: 32 }));
    const of = (name: string) => values[name] as Float32Array;
    expect(deviation(of("token_embeds.weight"))).toBeCloseTo(0.02, 2);
    expect(deviation(of("model.0.1.Wqkv.weight"))).toBeCloseTo(1 / Math.sqrt(3 * 64), 2); // U(-1/8, 1/8)
    expect(deviation(of("unembed.1.weight"))).toBeCloseTo(1 / Math.sqrt(3 * 64), 2);
    for (const name of ["model.0.1.Wqkv.bias", "model.0.1.out_proj.bias", "unembed.1.bias", "model.2.1.in_proj.bias"]) {
      expect(deviation(of(name)), name).toBe(0);
    }
    // Not linear layers, or marked: they keep their start.
    expect(deviation(of("model.1.1.dt_proj.bias"))).toBeGreaterThan(1);
    expect(deviation(of("model.1.1.conv1d.bias"))).toBeGreaterThan(0.1);
    expect(deviation(of("model.2.1.long_conv.bias"))).toBeGreaterThan(0.5);
    expect(of("model.0.0.weight").every((value) => value === 1)).toBe(true);
  });

  test("in the autoencoder with every linear map N(0, 0.02) and every linear bias zero, Mamba's steps included", () => {
    const values = drawn(build("11111-51111-81111", "autoencoder", { width: 64, length: 32 }));
    const maps = [
      "token_embeds.weight",
      "encoder.0.1.Wqkv.weight",
      "encoder.1.1.dt_proj.weight",
      "encoder.2.1.long_conv.filter.implicit_filter.6.weight",
      "decoder.1.weight",
      "unembed.1.weight",
    ];
    for (const name of maps) expect(deviation(values[name] as Float32Array), name).toBeCloseTo(0.02, 2);
    for (const name of ["encoder.0.1.Wqkv.bias", "encoder.1.1.dt_proj.bias", "decoder.4.bias"]) {
      expect(deviation(values[name] as Float32Array), name).toBe(0);
    }
    expect(deviation(values["encoder.1.1.conv1d.weight"] as Float32Array)).toBeGreaterThan(0.2);
    expect(deviation(values["encoder.1.1.A_log"] as Float32Array)).toBeGreaterThan(0.5);
  });
});

describe("the embedding", () => {
  test.each([
    ["a product with ones and zeros", 7],
    ["a gather", 1000],
  ])("is the table's row, by %s, and its gradient goes to that row", (_, vocabulary) => {
    const [members, width] = [2, 3];
    const table = tf.range(0, members * vocabulary * width).reshape([members, vocabulary, width]);
    const ids = tf.tensor3d([[[0, 6], [3, 3]], [[1, 5], [6, 2]]], [2, 2, 2], "int32"); // biome-ignore format: as [P, B, T]
    const rows = table.arraySync() as number[][][];
    const expected = ids.arraySync().map((member, p) => member.map((row) => row.map((id) => rows[p]?.[id] ?? [])));
    expect(embed(table, ids).arraySync()).toEqual(expected);

    const counts = tf
      .grad((table) => tf.sum(embed(table, ids)))(table)
      .arraySync() as number[][][];
    expect(counts[0]?.[3]).toEqual([2, 2, 2]);
    expect(counts[0]?.[6]).toEqual([1, 1, 1]);
    expect(counts[1]?.[3]).toEqual([0, 0, 0]);
    expect(counts.flat(2).reduce((sum, value) => sum + value, 0)).toBe(members * 4 * width);
  });
});

describe("the autoencoder", () => {
  const [width, length, vocabulary] = [6, 5, 4];

  test.each<Pooling>(["last", "avg", "cls"])(
    "writes every token from one vector and the position, pooled by %s",
    (pooling) => {
      const model = autoencoder([], { width, length, vocabulary }, pooling);
      const values = drawn(model);
      const ids = [2, 0, 3, 2, 1];
      const weights = Object.fromEntries(
        model.parameters.map(({ name, shape }) => [name, tf.tensor(values[name] as Float32Array, [1, ...shape])]),
      );
      const logits = model.apply(weights, tf.tensor3d([[ids]], [1, 1, length], "int32")).arraySync();

      const of = (name: string) => values[name] as Float32Array;
      const embedded = ids.map((id) => [...of("token_embeds.weight").subarray(id * width, (id + 1) * width)]);
      const pools: Record<Pooling, () => number[]> = {
        last: () => embedded.at(-1) ?? [],
        avg: () => embedded[0]?.map((_, c) => embedded.reduce((sum, row) => sum + (row[c] ?? 0), 0) / length) ?? [],
        cls: () => [...of("cls_token")],
      };
      const code = pools[pooling]();
      const frequencies = [0, 1, 2].map((i) => 10_000 ** (-i / 2));
      const placed = ids.map((_, n) =>
        [...frequencies.map((w) => Math.sin(n * w)), ...frequencies.map((w) => Math.cos(n * w))].map(
          (value, c) => value + (code[c] ?? 0),
        ),
      );
      const norm = (rows: Sequence) =>
        rows.map((row) => {
          const mean = row.reduce((sum, value) => sum + value ** 2, 0) / width;
          return row.map((value) => value / Math.sqrt(mean + 1e-5));
        });
      const block = (rows: Sequence, name: string) =>
        linear(norm(rows), of(`${name}.weight`), of(`${name}.bias`)).map((row) => row.map(gelu));
      const hidden = block(block(placed, "decoder.1"), "decoder.4");
      const expected = linear(norm(hidden), of("unembed.1.weight"), of("unembed.1.bias"));
      expect(distance(tf.tensor2d(logits[0]?.[0] ?? []), tf.tensor2d(expected))).toBeLessThan(1e-5);
    },
  );

  test("an odd width is refused", () => {
    expect(() => autoencoder([], { width: 7, length, vocabulary })).toThrow("width 7 is odd");
  });
});
