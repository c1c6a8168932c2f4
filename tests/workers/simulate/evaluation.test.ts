import { describe, expect, test } from "vitest";
import { genomeHash, parseGenome } from "../../../genome/index.ts";
import { settingsOf } from "../../../workers/mad/profiles.ts";
import { simulateEvaluation } from "../../../workers/simulate/evaluation.ts";
import { chanceScore, expectedScores } from "../../../workers/simulate/landscape.ts";

const [recall, compression] = settingsOf("fast", ["in-context-recall", "compression"]) as [never, never];
const candidateOf = (genome: string) => ({ genome, genomeHash: genomeHash(parseGenome(genome)) });
const striped = candidateOf("81111-91111-11111-91111");
const seeds = Array.from({ length: 4000 }, (_, seed) => seed);

describe("the score", () => {
  test("is the same for the same genome, task and seed, whatever the attempt", () => {
    const first = simulateEvaluation(striped, recall, { seed: 3 });
    expect(simulateEvaluation(striped, recall, { seed: 3, attempt: 2 }).score).toBe(first.score);
    expect(simulateEvaluation(striped, recall, { seed: 4 }).score).not.toBe(first.score);
    expect(simulateEvaluation(striped, compression, { seed: 3 }).score).not.toBe(first.score);
  });

  test("is the landscape's on average, with a spread of two points at one half", () => {
    const expected = expectedScores(parseGenome(striped.genome), 128).compression;
    const scores = seeds
      .map((seed) => simulateEvaluation(striped, compression, { seed }))
      .flatMap(({ outcome, score }) => (outcome === "scored" ? [score] : []));
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    const deviation = Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length);
    expect(expected).toBeCloseTo((0.452 + 0.516) / 2, 12);
    expect(Math.abs(mean - expected)).toBeLessThan(0.0013); // four standard errors
    expect(deviation).toBeGreaterThan(0.019);
    expect(deviation).toBeLessThan(0.021);
  });

  test("of one run in a hundred is chance, for it diverged", () => {
    const diverged = seeds
      .map((seed) => simulateEvaluation(striped, recall, { seed }))
      .filter(({ outcome }) => outcome === "diverged");
    expect(diverged.length).toBeGreaterThan(15); // 40 expected, four standard deviations are 25
    expect(diverged.length).toBeLessThan(65);
    for (const { score } of diverged) expect(score).toBe(chanceScore);
  });

  test("stays in [0, 1]", () => {
    const nearlyPerfect = candidateOf("51111-91111-11111-91111");
    for (const seed of seeds) {
      const { score } = simulateEvaluation(nearlyPerfect, recall, { seed });
      expect(score).toBeGreaterThan(0);
      expect(score).toBeLessThanOrEqual(1);
    }
  });
});

describe("the duration", () => {
  const secondsOf = (genome: string) =>
    seeds.map((seed) => simulateEvaluation(candidateOf(genome), recall, { seed }).trainSeconds);

  test("spreads log-normally: its logarithm has the standard deviation 0.4", () => {
    const logs = secondsOf(striped.genome).map(Math.log);
    const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length;
    const deviation = Math.sqrt(logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logs.length);
    expect(deviation).toBeGreaterThan(0.38);
    expect(deviation).toBeLessThan(0.42);
  });

  test("grows with the genome's operations", () => {
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(secondsOf("81111-91111-81111-91111"))).toBeGreaterThan(
      1.2 * mean(secondsOf("71111-91111-71111-91111")),
    );
  });

  test("differs from attempt to attempt", () => {
    const [first, second] = [1, 2].map((attempt) => simulateEvaluation(striped, recall, { seed: 1, attempt }));
    expect(second?.trainSeconds).not.toBe(first?.trainSeconds);
  });
});
