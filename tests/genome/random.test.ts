import { describe, expect, test } from "vitest";
import { Random } from "../../genome/index.ts";

const draws = (random: Random, count: number) => Array.from({ length: count }, () => random.uint32());

test("one seed gives one stream, another seed another", () => {
  expect(draws(new Random(7), 5)).toEqual(draws(new Random(7), 5));
  expect(draws(new Random(7), 5)).not.toEqual(draws(new Random(8), 5));
});

test("a split depends on its name alone, not on what was drawn before", () => {
  const fresh = new Random(7);
  const used = new Random(7);
  draws(used, 100);
  expect(draws(used.split("mutate"), 5)).toEqual(draws(fresh.split("mutate"), 5));
  expect(draws(fresh.split("mutate"), 5)).not.toEqual(draws(fresh.split("cross"), 5));
});

test("integers fill their range evenly", () => {
  const random = new Random("range");
  const counts = new Array<number>(7).fill(0);
  for (let i = 0; i < 70_000; i++) counts[random.integer(7)]!++;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500); // 5 standard deviations
});

test("the normal draws have mean 0 and variance 1", () => {
  const random = new Random("normal");
  const values = Array.from({ length: 20_000 }, () => random.normal());
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  expect(Math.abs(mean)).toBeLessThan(0.035);
  expect(Math.abs(variance - 1)).toBeLessThan(0.05);
});

test("a shuffle keeps every item and leaves the given list alone", () => {
  const items = [1, 2, 3, 4, 5];
  expect(new Random(1).shuffle(items).sort()).toEqual(items);
  expect(items).toEqual([1, 2, 3, 4, 5]);
});

describe("bad requests", () => {
  test.each([0, -1, 1.5, Number.NaN, 2 ** 33])("integer(%d) is refused", (bound) => {
    expect(() => new Random(1).integer(bound)).toThrow(RangeError);
  });

  test("nothing can be picked from nothing", () => {
    expect(() => new Random(1).pick([])).toThrow("no items");
  });
});
