import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../genome/random.ts";
import { linearRecurrence } from "../../operators/scan.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const [rows, channels] = [2, 3];
const at = (length: number, row: number, t: number, channel: number) => (row * length + t) * channels + channel;

function draw(name: string, length: number, value: (random: Random) => number): Float32Array {
  const random = new Random(name);
  return Float32Array.from({ length: rows * length * channels }, () => value(random));
}

/** Calls `step` along time for every row and channel, with the index of each entry. */
function along(length: number, step: (here: number, before: number | undefined) => void): void {
  for (let row = 0; row < rows; row++)
    for (let channel = 0; channel < channels; channel++)
      for (let t = 0; t < length; t++)
        step(at(length, row, t, channel), t > 0 ? at(length, row, t - 1, channel) : undefined);
}

function slow(decay: Float32Array, input: Float32Array, length: number): number[] {
  const h = Array<number>(input.length).fill(0);
  along(length, (here, before) => {
    h[here] = (before === undefined ? 0 : (decay[here] ?? 0) * (h[before] ?? 0)) + (input[here] ?? 0);
  });
  return h;
}

function errorOf(actual: tf.Tensor, expected: readonly number[]): number {
  const values = actual.dataSync();
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs(value - (values[i] as number)))) / scale;
}

// One token, one group, one group exactly, groups with a rest, groups of groups.
describe.each([1, 2, 7, 8, 9, 64, 65, 100, 600])("over %i tokens", (length) => {
  const tensor = (values: Float32Array) => tf.tensor3d(values, [rows, length, channels]);
  const decay = draw("decay", length, (random) => random.pick([0, 1, random.uniform(), 0.99]));
  const input = draw("input", length, (random) => random.normal());

  test("the scan equals the loop", () => {
    const expected = slow(decay, input, length);
    expect(errorOf(linearRecurrence(tensor(decay), tensor(input)), expected)).toBeLessThan(1e-5);
  });

  test("its gradients equal those of the loop, run backwards", () => {
    const r = draw("r", length, (random) => random.normal());
    const h = slow(decay, input, length);
    const adjoint = Array.from(r);
    const dDecay = Array<number>(r.length).fill(0);
    const order: [number, number | undefined][] = [];
    along(length, (here, before) => order.push([here, before]));
    for (const [here, before] of order.reverse()) {
      if (before === undefined) continue;
      adjoint[before] = (adjoint[before] ?? 0) + (decay[here] ?? 0) * (adjoint[here] ?? 0);
      dDecay[here] = (adjoint[here] ?? 0) * (h[before] ?? 0);
    }

    const [da, db] = tf.grads((a, b) =>
      tf.sum(tf.mul(linearRecurrence(a as tf.Tensor3D, b as tf.Tensor3D), tensor(r))),
    )([tensor(decay), tensor(input)]) as [tf.Tensor, tf.Tensor];
    expect(errorOf(db, adjoint)).toBeLessThan(1e-5);
    if (length > 1) expect(errorOf(da, dDecay)).toBeLessThan(1e-5);
  });
});

test("what fades within a token is forgotten without overflow", () => {
  const length = 1024;
  const decay = tf.fill([1, length, 1], Math.exp(-30));
  const h = linearRecurrence(decay as tf.Tensor3D, tf.ones([1, length, 1])).dataSync();
  expect(h.every((value) => Math.abs(value - 1) < 1e-6)).toBe(true);
});
