import { expect, test } from "vitest";
import { Random } from "../../../genome/index.ts";
import { BatchOrder, forMembers } from "../../../workers/mad/batches.ts";

test("every epoch sees each example once, in an order of its own, and fills up with the ignored row", () => {
  const order = new BatchOrder({ examples: 11, batch: 4 }, new Random("order"));
  const epochs = [0, 1, 2].map((epoch) => [0, 1, 2].flatMap((batch) => [...order.rows(3 * epoch + batch)]));
  for (const rows of epochs) {
    expect(rows).toHaveLength(12);
    expect(rows.at(-1)).toBe(11);
    expect([...rows].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i));
  }
  expect(epochs[1]).not.toEqual(epochs[0]);
});

test("the order of a step does not depend on which steps were asked for before", () => {
  const late = new BatchOrder({ examples: 11, batch: 4 }, new Random("order")).rows(7);
  const order = new BatchOrder({ examples: 11, batch: 4 }, new Random("order"));
  order.rows(8);
  order.rows(0);
  expect(order.rows(7)).toEqual(late);
});

test("members get the same rows, steps first", () => {
  const slices = [Int32Array.of(1, 2), Int32Array.of(3, 4)];
  expect([...forMembers(slices, 3)]).toEqual([1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4]);
});
