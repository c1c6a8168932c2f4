import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GenomeError, parseGenome } from "../../../genome/index.ts";
import { onnxruntimeEngine } from "../../../workers/engine/onnxruntime.ts";
import { type EvaluationSetting, settingsOf } from "../../../workers/mad/profiles.ts";
import { baselineOf } from "../../../workers/mad/settings.ts";
import { type TrainingRequest, trainAndScore } from "../../../workers/mad/training.ts";

/** A short convolution sees the key one token back, and learns a small map by heart within a second. */
const setting: EvaluationSetting = {
  key: "test/memorization",
  data: { ...baselineOf("memorization"), vocabulary: 16, length: 8, trainExamples: 60, testExamples: 24 },
  model: { width: 16, length: 8, vocabulary: 16, backbone: "language-model" },
  training: { batch: 16, epochs: 12, evaluateEvery: 4, learningRates: [0.02], weightDecays: [0, 0.1] },
};
let dataFolder: string;
let request: TrainingRequest;

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "training "));
  const genome = parseGenome("71111-91111");
  request = { genome, setting, recipe: "mad-2024", seed: 1, engine: onnxruntimeEngine(), dataFolder };
});
afterAll(async () => {
  await rm(dataFolder, { recursive: true, force: true });
});

const withRates = (learningRates: number[]) => ({
  ...setting,
  training: { ...setting.training, learningRates },
});

test("a model that can learn the task scores far above chance, and stops when it knows all of it", async () => {
  const result = await trainAndScore(request);
  expect(result.outcome).toBe("scored");
  expect(result.metrics.chance).toBe(1 / 8);
  expect(result.score).toBeGreaterThan(0.999);
  expect(result.steps).toBeLessThan(48);
  expect(result.metrics.stoppedAt).toBe(result.curve.at(-1)?.step);
  expect(result.perMember).toHaveLength(2);
  expect(result.score).toBe(Math.max(...result.perMember.map(({ score }) => score)));
  expect(result.engine).toBe("onnxruntime");
  expect(await readdir(dataFolder)).toHaveLength(1);
});

test("the same request gives the same result, down to the last digit of the curve", async () => {
  const [first, second] = [await trainAndScore(request), await trainAndScore(request)];
  const timeless = { trainSeconds: 0, stepMs: 0 };
  expect({ ...second, ...timeless }).toEqual({ ...first, ...timeless });
  expect(first.stepMs).toBeGreaterThan(0);
  expect((await trainAndScore({ ...request, seed: 2 })).curve).not.toEqual(first.curve);
});

test("a training that diverges in every cell is worth chance, and says at which step", async () => {
  const result = await trainAndScore({ ...request, setting: withRates([1e39]) });
  expect(result).toMatchObject({ outcome: "diverged", score: 1 / 8 });
  expect(result.metrics.divergedAt).toBe(2);
  expect(result.perMember.every(({ outcome, score }) => outcome === "diverged" && score === 1 / 8)).toBe(true);
  expect(result.curve.at(-1)).toEqual({ step: 2, trainLoss: null, testLoss: null, testAccuracy: null });
});

test("a cell that diverges leaves the score to its mates", async () => {
  const result = await trainAndScore({ ...request, setting: withRates([1e39, 0.02]) });
  expect(result.outcome).toBe("scored");
  expect(result.metrics.learningRate).toBe(0.02);
  expect(result.perMember.map(({ outcome }) => outcome)).toEqual(["diverged", "diverged", "scored", "scored"]);
});

test("a result is plain JSON: no number in it is NaN or infinite", async () => {
  for (const learningRates of [[0.02], [1e39]]) {
    const result = await trainAndScore({ ...request, setting: withRates(learningRates) });
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  }
});

test("the strict recipe reports the validation split that chose", async () => {
  const { metrics, score } = await trainAndScore({ ...request, recipe: "mad-strict" });
  expect(metrics.validationAccuracy).toBeGreaterThan(0.999);
  expect(score).toBe(metrics.testAccuracy);
});

test("a genome that cannot be built and a setting that cannot be drawn are errors of their own", async () => {
  const odd = { ...setting, model: { ...setting.model, width: 15 } };
  const attention = parseGenome("11111-91111");
  await expect(trainAndScore({ ...request, genome: attention, setting: odd })).rejects.toThrow(GenomeError);
  const impossible = { ...setting, data: { ...setting.data, length: 1 } };
  await expect(trainAndScore({ ...request, setting: impossible })).rejects.toThrow("memorization: length 1");
});

describe("the smoke profile", () => {
  test.each(settingsOf("smoke", ["in-context-recall", "compression"]))(
    "trains a known design on $key",
    async (smoke) => {
      const genome = parseGenome("81111-91111-11111-91111");
      const result = await trainAndScore({ ...request, genome, setting: smoke });
      expect(result.outcome).toBe("scored");
      expect(result.score).toBeGreaterThan(result.metrics.chance as number);
    },
  );
});
