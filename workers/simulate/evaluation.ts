// A simulated evaluation: the landscape's score with the noise of one training run, and how long the run would take.
//
// Everything drawn comes from streams named by genome, task and seed, so an evaluation taken twice gives the same result;
// how long it takes depends on the attempt as well.
import { type Genome, genomeCosts, parseGenome, Random } from "../../genome/index.ts";
import { type EvaluationSetting, stepsOf, tokensOf } from "../mad/profiles.ts";
import { chanceScore, expectedScores } from "./landscape.ts";

export interface Simulated {
  readonly outcome: "scored" | "diverged";
  /** In [0, 1]. */
  readonly score: number;
  readonly trainSeconds: number;
}

/** Standard deviation of a score of 0.5; it shrinks towards 0 and 1, as that of a share of right answers does. */
const noise = 0.02;
const divergedShare = 0.01;
/** Floating-point operations in a second, of a small GPU on small models. */
const flopsPerSecond = 2e12;
const startSeconds = 2;
/** Standard deviation of the duration's logarithm. */
const durationSpread = 0.4;

export function simulateEvaluation(
  { genome: text, genomeHash }: { readonly genome: string; readonly genomeHash: string },
  setting: EvaluationSetting,
  { seed, attempt = 1 }: { readonly seed: number; readonly attempt?: number },
): Simulated {
  const genome = parseGenome(text);
  const stream = new Random(`${genomeHash}/${setting.key}/${seed}`);
  const trainSeconds = secondsOf(genome, setting) * spread(stream.split("seconds").split(attempt));
  if (stream.split("divergence").chance(divergedShare)) {
    return { outcome: "diverged", score: chanceScore, trainSeconds };
  }
  const expected = expectedScores(genome, setting.model.width)[setting.data.task];
  const deviation = 2 * noise * Math.sqrt(expected * (1 - expected)) * stream.split("score").normal();
  return { outcome: "scored", score: Math.min(1, Math.max(0, expected + deviation)), trainSeconds };
}

/** Without spread: a trained token costs a forward pass, and a backward pass of twice its size. */
function secondsOf(genome: Genome, setting: EvaluationSetting): number {
  const { width, length } = setting.model;
  const { flopsPerToken } = genomeCosts(genome, { width, length }, length);
  const tokens = stepsOf(setting) * setting.training.batch * tokensOf(setting);
  return startSeconds + (3 * flopsPerToken * tokens) / flopsPerSecond;
}

/** Log-normal with mean 1. */
function spread(random: Random): number {
  return Math.exp(durationSpread * random.normal() - durationSpread ** 2 / 2);
}
