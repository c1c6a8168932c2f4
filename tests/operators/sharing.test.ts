// Sharing against models without it: tied weights behave as equal weights do, taken features as the donor's projection.
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { genomeCosts, type ModelShape, operatorNames, paletteEntry, parseGenome, Random } from "../../genome/index.ts";
import { operatorNamed } from "../../operators/index.ts";
import { sizeOf } from "../../operators/initialize.ts";
import { buildModel } from "../../operators/model.ts";
import type { Model, Weights } from "../../operators/types.ts";
import { distance } from "./distance.ts";
import { combinations } from "./variants.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const sizes = { backbone: "language-model" as const, width: 8, length: 7, vocabulary: 5 };

const build = (text: string): Model => buildModel(parseGenome(text), sizes);

function weightsOf(model: Model): Weights {
  const random = new Random("sharing");
  return Object.fromEntries(
    model.parameters.map(({ name, shape, initialize }) => {
      const values = [...initialize(random.split(name), shape)].map((value) => value + 0.1 * random.normal());
      return [name, tf.tensor(Float32Array.from(values), [1, ...shape])];
    }),
  );
}

const tokens = tf.tensor3d([0, 3, 1, 4, 2, 2, 1, 4, 4, 0, 1, 3, 0, 2], [1, 2, 7], "int32");

/** Gradients of a weighted sum of the logits by every weight. */
function gradientsOf(model: Model, weights: Weights): Record<string, tf.Tensor> {
  const names = Object.keys(weights);
  const f = (...given: tf.Tensor[]) => {
    const logits = model.apply(Object.fromEntries(names.map((name, i) => [name, given[i] as tf.Tensor])), tokens);
    return tf.sum(tf.mul(logits, tf.reshape(tf.sin(tf.range(0, logits.size)), logits.shape)));
  };
  const gradients = tf.grads(f)(Object.values(weights));
  return Object.fromEntries(names.map((name, i) => [name, gradients[i] as tf.Tensor]));
}

const segmentOf = (name: (typeof operatorNames)[number], integers: string) => {
  const { liv, options } = paletteEntry(name);
  return `${liv > 9 ? `[${liv}]` : liv}${integers}${"heads" in options ? "{heads=2}" : ""}`;
};

describe.each(operatorNames)("a shared featurizer of %s", (name) => {
  const tied = build([segmentOf(name, "1211"), "91111", segmentOf(name, "1211")].join("-"));
  const free = build([segmentOf(name, "1111"), "91111", segmentOf(name, "1111")].join("-"));
  const { module } = paletteEntry(name).readout;

  /** Weights of the free model equal to the tied one's. */
  function untied(weights: Weights): Weights {
    return Object.fromEntries(
      free.parameters.map(({ name }) => {
        const source = weights[name] ?? weights[name.replace("model.2.1.", "model.0.1.")]!;
        return [name, tf.tensor(source.dataSync(), source.shape)]; // tf.grads would take one tensor in two places for one input
      }),
    );
  }

  test("leaves the later position its output map alone", () => {
    const own = tied.parameters.map(({ name }) => name).filter((name) => name.startsWith("model.2.1."));
    expect(own.length).toBeGreaterThan(0);
    for (const name of own) expect(name).toMatch(new RegExp(`^model\\.2\\.1\\.${module}\\.`));
  });

  test("computes what equal weights compute, and sums their gradients", () => {
    const weights = weightsOf(tied);
    const copies = untied(weights);
    expect(distance(tied.apply(weights, tokens), free.apply(copies, tokens))).toBeLessThan(1e-6);

    const together = gradientsOf(tied, weights);
    const apart = gradientsOf(free, copies);
    for (const [name, gradient] of Object.entries(together)) {
      const twin = name.replace("model.0.1.", "model.2.1.");
      const isTied = twin !== name && weights[twin] === undefined;
      const expected = isTied ? tf.add(apart[name]!, apart[twin]!) : apart[name]!;
      expect(distance(gradient, expected), name).toBeLessThan(1e-4);
    }
  });
});

describe("taken features", () => {
  /** The rows of a joint projection that the taker keeps, under the taker's name. */
  const cases = [
    ["attention", "1", "{heads=2}", "Wqkv", "Wq", [0, 8]],
    ["attention with grouped keys", "1", "{heads=4,kvHeads=2}", "Wqkv", "Wq", [0, 8]],
    ["sliding attention", "[18]", "{heads=2,window=8}", "Wqkv", "Wq", [0, 8]],
    ["gated short convolution", "7", "", "in_proj", "in_proj", [16, 8]],
  ] as const;

  // Two equal layers on one input have equal features, so the taker must agree with a position of its own.
  test.each(cases)("%s: taking from an equal position on the same input changes nothing", (...row) => {
    const [, liv, options, joint, kept, [start, count]] = row;
    const { segments } = parseGenome(`${liv}1111${options}`);
    const name = operatorNames.find((operator) => paletteEntry(operator).liv === segments[0]?.liv)!;
    const operator = operatorNamed(name);
    const settings = { ...paletteEntry(name).defaults, ...segments[0]?.options } as never;
    const context = { width: 8, length: 7 };
    const random = new Random("features");
    const weights = Object.fromEntries(
      Object.entries(operator.parameters(settings, context)).map(([parameter, { shape }]) => [
        parameter,
        tf.tensor(
          Float32Array.from({ length: sizeOf(shape) }, () => random.normal()),
          [1, ...shape],
        ),
      ]),
    );
    const draw = () =>
      tf.tensor4d(
        Float32Array.from({ length: 112 }, () => random.normal()),
        [1, 2, 7, 8],
      );
    const x = draw();
    const own = Object.fromEntries(
      Object.keys(operator.sharing!.parameters(settings, context)).map((parameter) => {
        const source = weights[parameter.replace(kept, joint)]!;
        return [parameter, parameter.startsWith(`${kept}.`) ? tf.slice(source, [0, start], [1, count]) : source];
      }),
    );
    const given = operator.sharing!.give(weights, x, settings, context);
    const plain = operator.apply(weights, x, settings, context);
    expect(distance(given.y, plain)).toBeLessThan(1e-6);
    expect(distance(operator.sharing!.take(own, x, given.features, settings, context), plain)).toBeLessThan(1e-5);
    // Another donor's features are really used.
    const other = operator.sharing!.give(weights, draw(), settings, context);
    expect(distance(operator.sharing!.take(own, x, other.features, settings, context), plain)).toBeGreaterThan(1e-2);
  });

  test("keys and values of another position, by plain loops", () => {
    const operator = operatorNamed("attention");
    const settings = { heads: 2, kvHeads: 0, rotary: false } as never;
    const context = { width: 4, length: 5 };
    const random = new Random("loops");
    const rows = (n: number, m: number) =>
      Array.from({ length: n }, () => Array.from({ length: m }, () => random.normal()));
    const [query, output, x, k, v] = [rows(4, 4), rows(4, 4), rows(5, 4), rows(5, 4), rows(5, 4)] as const;
    const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    const q = x.map((token) => query.map((row) => dot(row, token)));
    const mixed = q.map((now, t) =>
      [0, 2].flatMap((head) => {
        const part = (row: readonly number[]) => row.slice(head, head + 2);
        const powers = k.slice(0, t + 1).map((key) => Math.exp(dot(part(now), part(key)) / Math.SQRT2));
        const total = powers.reduce((sum, power) => sum + power, 0);
        return [0, 1].map((c) => powers.reduce((sum, power, j) => sum + (power / total) * v[j]![head + c]!, 0));
      }),
    );
    const expected = mixed.map((token) => output.map((row) => dot(row, token)));
    const weights = {
      "Wq.weight": tf.tensor3d([query]),
      "Wq.bias": tf.zeros([1, 4]),
      "out_proj.weight": tf.tensor3d([output]),
      "out_proj.bias": tf.zeros([1, 4]),
    };
    const features = [k, v].map((rows) => tf.reshape(tf.tensor2d(rows), [1, 1, 5, 2, 2]));
    const y = operator.sharing!.take(weights, tf.tensor4d([[x]]), features, settings, context);
    expect(distance(tf.reshape(y, [5, 4]), tf.tensor2d(expected))).toBeLessThan(1e-5);
  });

  test("reach the loss of a whole model: the donor's projection gets the takers' gradients", () => {
    const model = build("11112{heads=2}-91111-11112{heads=2}");
    const names = model.parameters.map(({ name }) => name);
    expect(names).toContain("model.2.1.Wq.weight");
    expect(names).not.toContain("model.2.1.Wqkv.weight");
    const gradients = gradientsOf(model, weightsOf(model));
    for (const [name, gradient] of Object.entries(gradients)) {
      expect(tf.max(tf.abs(gradient)).dataSync()[0], name).toBeGreaterThan(0);
    }
  });
});

describe("the palette's formulas for shared positions are what the model makes", () => {
  const shapes: ModelShape[] = [
    { width: 8, length: 8 },
    { width: 6, length: 9 },
    { width: 128, length: 128 },
  ];

  test.each(operatorNames)("%s, for every combination of options", (name) => {
    const { conflict, liv, features, parameters, readout } = paletteEntry(name);
    expect(operatorNamed(name).sharing !== undefined).toBe(features !== undefined);
    const size = (specs: readonly (readonly [string, { readonly shape: readonly number[] }])[]) =>
      specs.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);
    for (const shape of shapes) {
      for (const options of combinations(name)) {
        if (conflict(options, shape) !== null) continue;
        const operator = operatorNamed(name);
        const own = Object.entries(operator.parameters(options, shape)).filter(([parameter]) =>
          parameter.startsWith(`${readout.module}.`),
        );
        expect(size(own)).toBe(readout.parameters(options, shape));
        const integers = { liv, featurizerGroup: 1, featureGroup: 1, options };
        const pair = (featurizerStrategy: number, featureStrategy: number) => {
          const segment = { ...integers, featurizerStrategy, featureStrategy };
          return genomeCosts({ segments: [segment, segment] }, shape, 64);
        };
        const alone = pair(1, 1);
        const tied = pair(2, 1);
        expect(tied).toEqual({ ...alone, parameters: parameters(options, shape) + size(own) });
        if (features === undefined || operator.sharing === undefined) continue;
        const taker = size(Object.entries(operator.sharing.parameters(options, shape)));
        expect(pair(1, 2).parameters).toBe(parameters(options, shape) + taker);
      }
    }
  });
});
