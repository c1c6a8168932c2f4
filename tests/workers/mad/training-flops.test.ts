import { expect, test } from "vitest";
import { genomeCosts, parseGenome, taskNames } from "../../../genome/index.ts";
import { gridOf, settingsOf, stepsOf, tokensOf } from "../../../workers/mad/profiles.ts";
import { trainingFlops } from "../../../workers/mad/training-flops.ts";

const genome = parseGenome("11111-91111-81111-91111");

test.each(["smoke", "baseline"] as const)("%s: every product of every step, added up one by one", (profile) => {
  for (const setting of settingsOf(profile, taskNames)) {
    const { width, length, vocabulary } = setting.model;
    const perToken =
      genomeCosts(genome, { width, length }, length).flopsPerToken +
      // A row of the one-hot matrix times the embedding, and of the output times the unembedding: a multiplication
      // and an addition for each of D x V weights.
      2 * width * vocabulary +
      2 * width * vocabulary;
    let flops = 0;
    for (const _ of gridOf(setting)) {
      for (let step = 0; step < stepsOf(setting); step++) {
        const forward = perToken * setting.training.batch * tokensOf(setting);
        flops += forward + 2 * forward; // The gradient by the inputs, and by the weights.
      }
    }
    expect(trainingFlops(genome, setting) / flops).toBeCloseTo(1, 12);
  }
});
