// What every operator promises, checked over the whole palette.
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { type ModelShape, operatorNames, paletteEntry, Random } from "../../genome/index.ts";
import { operatorNamed } from "../../operators/index.ts";
import { sizeOf } from "../../operators/initialize.ts";
import type { Weights } from "../../operators/types.ts";
import { distance } from "./distance.ts";
import { type Arrays, derivativeError, norm, weightedSum } from "./finite-differences.ts";
import { allVariants, baseVariants, combinations, type Variant } from "./variants.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

/** T = D hides a transposed gradient from shape checks; odd sizes show what only works for round ones. */
const square: ModelShape = { width: 8, length: 8 };
const odd: ModelShape = { width: 6, length: 9 };

interface Setup {
  readonly weights: Weights;
  readonly x: tf.Tensor4D;
  readonly y: (weights: Weights, x: tf.Tensor4D) => tf.Tensor4D;
}

/** Weights as drawn, plus noise, so that none is zero; x of unit normals. */
function setUp(
  { name, options }: Variant,
  shape: ModelShape,
  { members = 1, batch = 2, length = shape.length, draw = 0 } = {},
): Setup {
  const operator = operatorNamed(name);
  const specs = Object.entries(operator.parameters(options, shape));
  const random = new Random(`contract ${name} ${JSON.stringify(options)} ${shape.width} ${draw}`);
  const weights = specs.map(([parameter, { shape, initialize }]) => {
    const values = Array.from({ length: members }, (_, member) => {
      const stream = random.split(member).split(parameter);
      return [...initialize(stream, shape)].map((value) => value + 0.1 * stream.normal());
    });
    return [parameter, tf.tensor(Float32Array.from(values.flat()), [members, ...shape])];
  });
  const sizes: [number, number, number, number] = [members, batch, length, shape.width];
  return {
    weights: Object.fromEntries(weights),
    x: tf.tensor4d(
      Float32Array.from({ length: sizeOf(sizes) }, () => random.normal()),
      sizes,
    ),
    y: (weights, x) => operator.apply(weights, x, options, shape),
  };
}

/**
 * The smoothest of a few draws: a normaliser of signed features may be near zero, where no step of a finite difference
 * is short enough.
 */
function smoothest(variant: Variant, shape: ModelShape): Setup {
  const draws = [0, 1, 2].map((draw) => setUp(variant, shape, { batch: 1, draw }));
  const steepness = draws.map((setup) =>
    tf.tidy(() => norm(gradientsOf(setup).map((gradient) => gradient.dataSync() as Float32Array))),
  );
  return draws[steepness.indexOf(Math.min(...steepness))] as Setup;
}

function cotangent(y: tf.Tensor): Float32Array {
  const random = new Random("cotangent");
  return Float32Array.from({ length: y.size }, () => random.normal());
}

/** Gradients of sum(y * r) with respect to x and every weight, in that order. */
function gradientsOf({ weights, x, y }: Setup): tf.Tensor[] {
  const names = Object.keys(weights);
  const r = tf.tensor(cotangent(y(weights, x)));
  const f = (x: tf.Tensor, ...given: tf.Tensor[]) => {
    const named = Object.fromEntries(names.map((name, i) => [name, given[i] as tf.Tensor]));
    return tf.sum(tf.mul(tf.reshape(y(named, x as tf.Tensor4D), [-1]), r));
  };
  return tf.grads(f)([x, ...Object.values(weights)]);
}

describe.each([
  ["T = D", square],
  ["odd sizes", odd],
])("with %s", (_, shape) => {
  const variants = allVariants(shape).map((variant): [string, Variant] => [variant.title, variant]);

  test("every operator is looked at", () => {
    expect(new Set(variants.map(([, { name }]) => name)).size).toBe(operatorNames.length);
    expect(operatorNames.length).toBeGreaterThan(0);
  });

  describe.each(variants)("%s", (_, variant) => {
    test("the output has the shape of the input, also for a shorter sequence", () => {
      for (const length of [shape.length, shape.length - 2, 1]) {
        const { weights, x, y } = setUp(variant, shape, { members: 2, batch: 3, length });
        expect(y(weights, x).shape).toEqual([2, 3, length, shape.width]);
      }
    });

    test("a later token never changes an earlier output", () => {
      const { weights, x, y } = setUp(variant, shape);
      const cut = 4;
      const isEarly = tf.less(tf.range(0, shape.length, 1, "float32"), cut).reshape([1, 1, shape.length, 1]);
      const early = tf.cast(isEarly, "float32");
      const changed = tf.where(
        tf.logicalAnd(isEarly, tf.onesLike(x).cast("bool")),
        x,
        tf.add(tf.mul(x, -2), 1),
      ) as tf.Tensor4D;

      expect(distance(tf.mul(y(weights, x), early), tf.mul(y(weights, changed), early))).toBeLessThan(1e-6);

      const r = tf.mul(tf.tensor(cotangent(x), x.shape), early);
      const gradient = tf.grad((x) => tf.sum(tf.mul(y(weights, x as tf.Tensor4D), r)))(x);
      expect(distance(tf.mul(gradient, tf.sub(1, early)), tf.zerosLike(x))).toBeLessThan(1e-7);
    });

    test("a shorter sequence has the outputs that the longer one begins with", () => {
      const { weights, x, y } = setUp(variant, shape);
      const length = shape.length - 2;
      const beginning = (of: tf.Tensor4D): tf.Tensor4D =>
        tf.slice(of, [0, 0, 0, 0], [1, 2, length, shape.width]) as tf.Tensor4D;
      expect(distance(y(weights, beginning(x)), beginning(y(weights, x)))).toBeLessThan(1e-5);
    });

    test("every weight receives a gradient, and nothing is left in memory", () => {
      const setup = setUp(variant, shape);
      const before = tf.memory().numTensors;
      const largest = tf.tidy(() =>
        gradientsOf(setup).map((gradient) => tf.max(tf.abs(gradient)).dataSync()[0] as number),
      );
      expect(tf.memory().numTensors).toBe(before);
      for (const [i, name] of ["x", ...Object.keys(setup.weights)].entries()) {
        expect(largest[i], name).toBeGreaterThan(0);
      }
    });

    test("two members compute what each computes alone", () => {
      const both = setUp(variant, shape, { members: 2 });
      const alone = (member: number): Setup => {
        const only = <T extends tf.Tensor>(tensor: T) => tf.slice(tensor, member, 1) as T;
        const weights = Object.fromEntries(Object.entries(both.weights).map(([name, tensor]) => [name, only(tensor)]));
        return { weights, x: only(both.x), y: both.y };
      };
      const outputs = [0, 1].map((member) => both.y(alone(member).weights, alone(member).x));
      expect(distance(both.y(both.weights, both.x), tf.concat(outputs, 0))).toBeLessThan(1e-5);
    });
  });
});

describe("the gradient agrees with finite differences", () => {
  const variants = allVariants(square).map((variant): [string, Variant] => [variant.title, variant]);

  test.each(variants)("%s, all tensors together", (_, variant) => {
    const setup = smoothest(variant, square);
    checkDerivative(setup, ["x", ...Object.keys(setup.weights)]);
  });

  describe.each([square, odd])("one tensor at a time, $length tokens of width $width", (shape) => {
    test.each(baseVariants(shape).map((variant): [string, Variant] => [variant.title, variant]))("%s", (_, variant) => {
      const setup = smoothest(variant, shape);
      for (const name of ["x", ...Object.keys(setup.weights)]) checkDerivative(setup, [name]);
    });
  });
});

/** Moves the named tensors together along a telling direction. */
function checkDerivative(setup: Setup, moved: readonly string[]) {
  const tolerance = 2e-3;
  const { weights, x, y } = setup;
  const names = ["x", ...Object.keys(weights)];
  const gradients = tf.tidy(() => gradientsOf(setup).map((gradient) => gradient.dataSync() as Float32Array));
  const chosen = moved.map((name) => gradients[names.indexOf(name)] as Float32Array);

  const tensors: Record<string, tf.Tensor> = { ...weights, x };
  const at = moved.map((name) => tensors[name]?.dataSync() as Float32Array);
  const r = cotangent(y(weights, x));
  const value = (arrays: Arrays) =>
    tf.tidy(() => {
      const placed = { ...tensors };
      for (const [i, name] of moved.entries())
        placed[name] = tf.tensor(arrays[i] as Float32Array, tensors[name]?.shape);
      const { x, ...weights } = placed;
      return weightedSum(y(weights, x as tf.Tensor4D), r);
    });
  const magnitude = (y(weights, x).dataSync() as Float32Array).reduce(
    (sum, v, i) => sum + Math.abs(v * (r[i] ?? 0)),
    0,
  );
  const random = new Random(`direction ${moved}`);
  const error = derivativeError({ value, at, gradient: chosen, random: () => random.normal(), magnitude }, tolerance);
  expect(error, `derivative with respect to ${moved}`).toBeLessThan(tolerance);
}

describe("the palette's count of parameters is what the operator makes", () => {
  const shapes = [square, odd, { width: 12, length: 5 }, { width: 32, length: 64 }, { width: 128, length: 128 }];

  test.each(operatorNames)("%s, for every combination of options", (name) => {
    const { conflict, parameters } = paletteEntry(name);
    let looked = 0;
    for (const shape of shapes) {
      for (const options of combinations(name)) {
        if (conflict(options, shape) !== null) continue;
        looked++;
        const specs = Object.values(operatorNamed(name).parameters(options, shape));
        const count = specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
        expect(count, `${JSON.stringify(options)} at width ${shape.width}`).toBe(parameters(options, shape));
      }
    }
    expect(looked).toBeGreaterThan(0);
  });
});
