import { describe, expect, test } from "vitest";
import { taskNames } from "../../../genome/index.ts";
import { generateDataSet } from "../../../workers/mad/generate.ts";
import { chanceScore } from "../../../workers/mad/metrics.ts";
import { allSettings, baselineOf, settingName, sweepOf } from "../../../workers/mad/settings.ts";
import { tasks } from "../../../workers/mad/tasks/registry.ts";

describe("the benchmark's settings", () => {
  test("there are 66, as many per task as the benchmark has", () => {
    expect(allSettings()).toHaveLength(66);
    const counts = Object.fromEntries(taskNames.map((task) => [task, sweepOf(task).length]));
    expect(counts).toEqual({
      "in-context-recall": 11,
      "fuzzy-in-context-recall": 11,
      "noisy-in-context-recall": 14,
      "selective-copying": 13,
      compression: 11,
      memorization: 6,
    });
  });

  test("one variable changes at a time, and names tell settings apart", () => {
    const names = allSettings().map(settingName);
    expect(new Set(names).size).toBe(66);
    expect(names.every((name) => !name.includes(","))).toBe(true);
    expect(names).toContain("noisy-in-context-recall/noiseFraction=0.8");
    expect(names).toContain("memorization");
  });

  test("tokens of a full pass over the training data, 200 times: 30.3 billion", () => {
    const tokens = allSettings().map((setting) => setting.trainExamples * setting.length * 200);
    expect(tokens.reduce((sum, count) => sum + count, 0) / 1e9).toBeCloseTo(30.3, 1);
  });

  test("optimizer steps at batch 128, 200 epochs: 897,400", () => {
    const steps = allSettings().map((setting) => 200 * Math.ceil(setting.trainExamples / 128));
    expect(steps.reduce((sum, count) => sum + count, 0)).toBe(897_400);
  });

  test.each(allSettings().filter(({ task, vocabulary }) => !(task.startsWith("fuzzy") && vocabulary > 64)))(
    "$task, vocabulary $vocabulary, length $length can be drawn",
    async (setting) => {
      const { data } = await generateDataSet({ ...setting, trainExamples: 2, testExamples: 2 }, 1);
      const ids = [...data.train.inputs, ...data.test.inputs];
      expect(Math.max(...ids)).toBeLessThan(setting.vocabulary);
      expect(Math.min(...ids)).toBeGreaterThanOrEqual(0);
      expect(data.train.inputs).toHaveLength(2 * data.tokens);
    },
  );
});

test("chance: 2/V for recall, 1 among contents for copying and compression, 1 of the values for memorization", () => {
  const chance = Object.fromEntries(taskNames.map((task) => [task, chanceScore(baselineOf(task))]));
  expect(chance).toEqual({
    "in-context-recall": 2 / 16,
    "fuzzy-in-context-recall": 1 / 8,
    "noisy-in-context-recall": 2 / (32 - 16),
    "selective-copying": 1 / 14,
    compression: 1 / 15,
    memorization: 1 / 128,
  });
});

test("tokens that a model sees at the baselines", () => {
  const tokens = Object.fromEntries(taskNames.map((task) => [task, tasks[task].tokens(baselineOf(task))]));
  expect(tokens).toEqual({
    "in-context-recall": 127,
    "fuzzy-in-context-recall": 128,
    "noisy-in-context-recall": 127,
    "selective-copying": 256,
    compression: 32,
    memorization: 32,
  });
});
