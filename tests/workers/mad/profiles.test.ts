import { describe, expect, test } from "vitest";
import { profileNames, taskNames } from "../../../genome/index.ts";
import { gridOf, settingsOf, stepsOf, tokensOf, widthOf } from "../../../workers/mad/profiles.ts";
import { tasks } from "../../../workers/mad/tasks/registry.ts";

describe.each(profileNames)("the profile %s", (name) => {
  const settings = settingsOf(name, taskNames);

  test("has its own key for each setting, and the settings of each task asked for", () => {
    expect(new Set(settings.map(({ key }) => key)).size).toBe(settings.length);
    expect(new Set(settings.map(({ data }) => data.task))).toEqual(new Set(taskNames));
    expect(settingsOf(name, ["compression"]).every(({ data }) => data.task === "compression")).toBe(true);
  });

  test("can be stored as JSON without loss", () => {
    expect(JSON.parse(JSON.stringify(settings))).toEqual(settings);
  });

  test("asks only for what tasks can draw and models can take", () => {
    for (const setting of settings) {
      expect(tasks[setting.data.task].conflict(setting.data)).toBeNull();
      expect(tokensOf(setting)).toBeLessThanOrEqual(setting.model.length);
      expect(setting.model.vocabulary).toBe(setting.data.vocabulary);
      // The autoencoder's decoder emits exactly as many positions as the model is long.
      const isCompression = setting.data.task === "compression";
      expect(setting.model.backbone).toBe(isCompression ? "autoencoder" : "language-model");
      if (isCompression) expect(tokensOf(setting)).toBe(setting.model.length);
    }
  });

  test("takes its width, unless a search has its own", () => {
    expect(settings.every(({ model }) => model.width === widthOf(name))).toBe(true);
    expect(settingsOf(name, ["memorization"], { width: 24 })[0]?.model.width).toBe(24);
    expect(settingsOf(name, ["memorization"], { width: null })[0]?.model.width).toBe(widthOf(name));
  });
});

test("full is the whole benchmark: 66 settings, 396 cells, 5.38 million steps", () => {
  const settings = settingsOf("full", taskNames);
  expect(settings).toHaveLength(66);
  expect(settings.flatMap(gridOf)).toHaveLength(396);
  const steps = settings.reduce((sum, setting) => sum + gridOf(setting).length * stepsOf(setting), 0);
  expect(steps).toBe(6 * 897_400);
  expect(settings.map(({ key }) => key)).toContain("full/compression/length=64");
});

test("baseline is its six baselines with the published grid, fast the same shortened to 1,400 steps", () => {
  const baseline = settingsOf("baseline", taskNames);
  expect(baseline.map(stepsOf)).toEqual([20_000, 20_000, 20_000, 20_000, 20_000, 400]);
  expect(gridOf(baseline[0] as (typeof baseline)[0])).toEqual([
    { learningRate: 1e-4, weightDecay: 0 },
    { learningRate: 1e-4, weightDecay: 0.1 },
    { learningRate: 5e-4, weightDecay: 0 },
    { learningRate: 5e-4, weightDecay: 0.1 },
    { learningRate: 1e-3, weightDecay: 0 },
    { learningRate: 1e-3, weightDecay: 0.1 },
  ]);
  const fast = settingsOf("fast", taskNames);
  expect(fast.map(stepsOf)).toEqual([1_400, 1_400, 1_400, 1_400, 1_400, 400]);
  expect(fast.every((setting) => gridOf(setting).length === 1)).toBe(true);
});

test("four of the six smoke tasks share their shapes, so that one compiled program serves them", () => {
  const shapes = settingsOf("smoke", taskNames).map((setting) =>
    JSON.stringify([tokensOf(setting), setting.data.trainExamples, setting.data.testExamples, setting.model]),
  );
  expect(new Set(shapes).size).toBe(3);
});
