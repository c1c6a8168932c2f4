import { describe, expect, test } from "vitest";
import { examplesOf, scored } from "./examples.ts";

const variants = [
  ["in-context-recall", { length: 24 }],
  ["in-context-recall", { length: 24, multiQuery: false }],
  ["noisy-in-context-recall", { length: 40, vocabulary: 21, noiseVocabulary: 5, noiseFraction: 0.5 }],
  ["noisy-in-context-recall", { length: 40, multiQuery: false }],
] as const;

describe.each(variants)("%s %o", (task, changes) => {
  test("every scored test target is the value that followed the same key before", async () => {
    const { test: examples } = await examplesOf(task, changes);
    for (const example of examples) {
      expect(scored(example).length).toBeGreaterThan(0);
      for (const t of scored(example)) {
        const key = example.inputs[t];
        const before = example.inputs.slice(0, t).lastIndexOf(key as number);
        expect(before).toBeGreaterThanOrEqual(0);
        expect(example.targets[t]).toBe(example.inputs[before + 1]);
      }
    }
  });

  test("the last position is always scored", async () => {
    const { test: examples } = await examplesOf(task, changes);
    for (const { targets } of examples) expect(targets.at(-1)).not.toBe(-100);
  });

  test("training targets are the next tokens, all of them", async () => {
    const { train } = await examplesOf(task, changes);
    for (const { inputs, targets } of train) {
      expect(targets.slice(0, -1)).toEqual(inputs.slice(1));
      expect(targets.at(-1)).not.toBe(-100);
    }
  });

  test("keys, values and noise come from their own ranges of ids", async () => {
    const { setting, test: examples } = await examplesOf(task, changes);
    const ordinary = setting.vocabulary - setting.noiseVocabulary - (setting.multiQuery ? 0 : 1);
    const keys = Math.floor(ordinary / 2);
    for (const { inputs } of examples) {
      for (let t = 0; t + 1 < setting.length - 2; t += 2) {
        const [first = -1, second = -1] = inputs.slice(t, t + 2);
        const isPair = first < keys && second >= keys && second < ordinary;
        const isNoise = [first, second].every((id) => id >= ordinary && id < ordinary + setting.noiseVocabulary);
        expect(isPair || isNoise).toBe(true);
      }
    }
  });
});

test("multi-query asks at every repeated key, single-query once after the copy token", async () => {
  const many = (await examplesOf("in-context-recall", { length: 24 })).test;
  for (const example of many) {
    const { inputs } = example;
    const repeated = inputs.flatMap((key, t) => (t % 2 === 0 && inputs.slice(0, t).includes(key) ? [t] : []));
    expect(scored(example)).toEqual(repeated);
  }
  const once = (await examplesOf("in-context-recall", { length: 24, multiQuery: false })).test;
  for (const example of once) {
    expect(scored(example)).toEqual([23]);
    expect(example.inputs[22]).toBe(15);
  }
});

test("impossible options are refused with the option and its value", async () => {
  const attempt = (changes: object) => examplesOf("in-context-recall", changes);
  await expect(attempt({ length: 127 })).rejects.toThrow("length 127");
  await expect(attempt({ vocabulary: 1 })).rejects.toThrow("vocabulary 1");
  await expect(attempt({ noiseFraction: 1, noiseVocabulary: 2 })).rejects.toThrow("noiseFraction 1");
  await expect(attempt({ noiseFraction: 0.1 })).rejects.toThrow("noiseVocabulary");
  await expect(attempt({ vocabulary: 15.5 })).rejects.toThrow("vocabulary 15.5");
});
