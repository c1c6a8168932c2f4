import * as tf from "@tensorflow/tfjs";
import { beforeAll, expect, test } from "vitest";
import { Random } from "../../../genome/random.ts";
import { crossEntropy, ignoredTarget } from "../../../workers/engine/loss.ts";

const [P, B, T, V] = [3, 2, 5, 7];

beforeAll(async () => {
  await tf.setBackend("cpu");
});

/** Random logits and targets; about a third of the targets ignored, all of the last member's. */
function example(scale: number): { logits: number[]; targets: number[] } {
  const random = new Random("loss");
  const logits = Array.from({ length: P * B * T * V }, () => scale * random.normal());
  const targets = Array.from({ length: P * B * T }, (_, i) =>
    i >= (P - 1) * B * T || random.chance(1 / 3) ? ignoredTarget : random.integer(V),
  );
  return { logits, targets };
}

/** The definition, position by position in double precision. */
function slowLoss(logits: number[], targets: number[]): number[] {
  return Array.from({ length: P }, (_, p) => {
    let sum = 0;
    let count = 0;
    for (let position = p * B * T; position < (p + 1) * B * T; position++) {
      const target = targets[position]!;
      if (target === -100) continue;
      const row = logits.slice(position * V, (position + 1) * V);
      const largest = Math.max(...row);
      const total = row.reduce((running, x) => running + Math.exp(x - largest), 0);
      sum += Math.log(total) + largest - row[target]!;
      count++;
    }
    return count === 0 ? 0 : sum / count;
  });
}

function tensors({ logits, targets }: { logits: number[]; targets: number[] }): [tf.Tensor4D, tf.Tensor3D] {
  return [tf.tensor4d(logits, [P, B, T, V]), tf.tensor3d(targets, [P, B, T], "int32")];
}

test.each([1, 80])("the loss is the mean surprise over scored positions (logits of size %d)", (scale) => {
  const { logits, targets } = example(scale);
  const loss = crossEntropy(...tensors({ logits, targets })).dataSync();
  for (const [p, expected] of slowLoss(logits, targets).entries()) {
    expect(Math.abs(loss[p]! - expected)).toBeLessThanOrEqual(1e-6 * Math.max(1, expected));
  }
});

test("a member without a scored position has loss and gradient zero", () => {
  const [logits, targets] = tensors(example(1));
  const gradient = tf.grad((x) => crossEntropy(x as tf.Tensor4D, targets))(logits);
  expect(crossEntropy(logits, targets).dataSync()[P - 1]).toBe(0);
  expect(
    Math.max(
      ...gradient
        .slice([P - 1, 0, 0, 0])
        .abs()
        .dataSync(),
    ),
  ).toBe(0);
});

test("the gradient agrees with differences of the slow loss, for each member with its own factor", () => {
  const { logits, targets } = example(1);
  const [x, y] = tensors({ logits, targets });
  const factors = [1, -2, 3];
  const weighted = (values: number[]) =>
    slowLoss(values, targets).reduce((sum, loss, p) => sum + loss * factors[p]!, 0);
  const gradient = tf
    .grad((given) => tf.sum(tf.mul(crossEntropy(given as tf.Tensor4D, y), factors)))(x)
    .dataSync();
  const step = 1e-5;
  for (const i of logits.keys()) {
    const moved = (by: number) => weighted(logits.with(i, logits[i]! + by));
    expect(Math.abs(gradient[i]! - (moved(step) - moved(-step)) / (2 * step))).toBeLessThan(1e-6);
  }
});
