import { expect, test } from "vitest";
import { type Example, examplesOf } from "./examples.ts";

test.each([{}, { vocabulary: 33, noiseVocabulary: 4, noiseFraction: 0.3 }])(
  "one map, the same in training and test, gives the value after every key %o",
  async (changes) => {
    const { setting, train, test: examples } = await examplesOf("memorization", changes);
    const map = new Map<number, number>();
    for (const [key, value] of [...train, ...examples].flatMap(pairs)) {
      expect(map.get(key) ?? value).toBe(value);
      map.set(key, value);
    }
    expect(new Set(map.values()).size).toBe(map.size);
    const keys = Math.floor((setting.vocabulary - 1) / 2);
    expect(Math.max(...map.keys())).toBeLessThan(keys);
    expect(Math.min(...map.values())).toBeGreaterThanOrEqual(keys);
    expect(Math.max(...map.values())).toBeLessThan(setting.vocabulary - 1);
  },
);

test("values never appear in the input, only the insert token does", async () => {
  const { train } = await examplesOf("memorization");
  for (const { inputs } of train) {
    for (const [t, token] of inputs.entries()) expect(t % 2 === 0 ? token < 127 : token === 255).toBe(true);
  }
});

test("an odd token asked for is left away", async () => {
  const { train } = await examplesOf("memorization", { length: 33 });
  expect(train[0]?.inputs).toHaveLength(32);
});

/** Keys and their targets; noise pairs have none. */
function pairs({ inputs, targets }: Example): [number, number][] {
  return targets.flatMap((target, t) => (target === -100 ? [] : [[inputs[t - 1] as number, target]]));
}
