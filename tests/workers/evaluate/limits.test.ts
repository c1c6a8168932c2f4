import { totalmem } from "node:os";
import { expect, test } from "vitest";
import { genomeCosts, parseGenome } from "../../../genome/index.ts";
import { memoryBytes, predictedSeconds, timeoutMs } from "../../../workers/evaluate/limits.ts";
import { settingsOf } from "../../../workers/mad/profiles.ts";

const genome = parseGenome("11111-91111-11111-91111");
const unset = { timeoutSeconds: null, memoryMb: null };
const settingOf = (profile: "smoke" | "fast" | "baseline") => {
  const [setting] = settingsOf(profile, ["memorization"]);
  if (setting === undefined) throw new Error("no setting");
  return setting;
};

test("what is asked for holds", () => {
  expect(timeoutMs(genome, settingOf("smoke"), { ...unset, timeoutSeconds: 1.5 })).toBe(1500);
  expect(memoryBytes({ ...unset, memoryMb: 512 }, 4)).toBe(512 * 1024 * 1024);
});

test("else a small training has a minute, and the workers share four fifths of the machine", () => {
  const smoke = settingOf("smoke");
  const oneStep = { ...smoke, data: { ...smoke.data, trainExamples: 32 }, training: { ...smoke.training, epochs: 1 } };
  expect(timeoutMs(genome, oneStep, unset)).toBe(60_000);
  expect(memoryBytes(unset, 4)).toBe(Math.floor((totalmem() * 0.8) / 4));
});

test("a long one has five times the prediction, which counts every token of every step and grid cell", () => {
  const setting = settingOf("baseline");
  const { width, length, vocabulary } = setting.model;
  // 256 examples in batches of 128 for 200 epochs, 32 tokens each, 3 x 2 grid cells.
  const { data, training } = setting;
  const tokens = Math.ceil(data.trainExamples / 128) * 200 * 128 * data.length * 6;
  expect([training.batch, training.epochs]).toEqual([128, 200]);
  const perToken = genomeCosts(genome, { width, length }, length).flopsPerToken + 4 * width * vocabulary;
  const seconds = 10 + (3 * perToken * tokens) / 1e9;
  expect(predictedSeconds(genome, setting)).toBeCloseTo(seconds, 6);
  expect(timeoutMs(genome, setting, unset)).toBeCloseTo(5000 * seconds, 3);
});
