// What a training costs in floating-point operations, known before it begins.
import { type Genome, genomeCosts } from "../../genome/index.ts";
import { type EvaluationSetting, gridOf, stepsOf, tokensOf } from "./profiles.ts";

/** A step is a forward and a backward pass, and the backward one costs two forward ones. */
const passes = 3;

/**
 * Operators (the palette's exact FLOPs per token) and the two products with the vocabulary, for every token of every
 * step and grid cell. Evaluations, the optimizer and stopping early are not counted.
 */
export function trainingFlops(genome: Genome, setting: EvaluationSetting): number {
  const { width, length, vocabulary } = setting.model;
  const operators = genomeCosts(genome, { width, length }, length).flopsPerToken;
  const embedding = 4 * width * vocabulary;
  const tokens = stepsOf(setting) * setting.training.batch * tokensOf(setting) * gridOf(setting).length;
  return passes * (operators + embedding) * tokens;
}
