import { describe, expect, test } from "vitest";
import { bestMember, Member } from "../../../workers/mad/member.ts";
import { memberResult } from "../../../workers/mad/member-result.ts";
import { recipes } from "../../../workers/mad/recipe.ts";

const cell = { learningRate: 1e-3, weightDecay: 0 };
const metrics = (accuracy: number, loss: number) => ({ accuracy, loss, perplexity: Math.exp(loss) });

/** A member with one training loss before each of these evaluations of the test split. */
function evaluated(...tests: readonly (readonly [accuracy: number, loss: number])[]): Member {
  const member = new Member(cell, recipes["mad-2024"]);
  for (const [i, [accuracy, loss]] of tests.entries()) {
    member.recordLoss(i + 1, 1);
    member.recordEvaluation(i + 1, { test: metrics(accuracy, loss), validation: null });
  }
  return member;
}

describe("a checkpoint", () => {
  test("is the evaluation with the lowest test perplexity, not the highest accuracy", () => {
    const { best } = evaluated([0.2, 2], [0.5, 1], [0.9, 1.5]);
    expect(best).toMatchObject({ step: 2, test: { accuracy: 0.5 } });
  });

  test("of the strict recipe is chosen by validation, and the test only reported", () => {
    const member = new Member(cell, recipes["mad-strict"]);
    member.recordLoss(1, 1);
    member.recordEvaluation(1, { test: metrics(0.9, 0.1), validation: metrics(0.3, 2) });
    member.recordLoss(2, 1);
    member.recordEvaluation(2, { test: metrics(0.4, 1), validation: metrics(0.6, 1) });
    expect(member.best).toMatchObject({ step: 2, test: { accuracy: 0.4 }, selection: { accuracy: 0.6 } });
  });

  test("is kept though its perplexity overflows", () => {
    expect(evaluated([0.1, 800]).best).toMatchObject({ step: 1, test: { perplexity: Number.POSITIVE_INFINITY } });
  });
});

test("a perplexity that overflows is null in the result, its loss is not", () => {
  const { outcome, metrics } = memberResult(evaluated([0.1, 800]), 0.25);
  expect(outcome).toBe("scored");
  expect(metrics).toMatchObject({ testLoss: 800, testPerplexity: null });
});

test("a member stops above an accuracy of 0.999, and is not changed afterwards", () => {
  const member = evaluated([0.999, 1], [0.9995, 0.5], [0.1, 0.01]);
  expect(member.stoppedAt).toBe(2);
  expect(member.best?.step).toBe(2);
  expect(member.curve).toHaveLength(2);
});

test("training losses are averaged from one evaluation to the next", () => {
  const member = new Member(cell, recipes["mad-2024"]);
  for (const [i, loss] of [4, 2, 3].entries()) member.recordLoss(i + 1, loss);
  expect(member.trainLoss).toBe(3);
  member.recordEvaluation(3, { test: metrics(0.5, 1), validation: null });
  expect(member.trainLoss).toBeNull();
  expect(member.curve).toEqual([{ step: 3, trainLoss: 3, testLoss: 1, testAccuracy: 0.5 }]);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])("a loss of %d ends a member for good", (loss) => {
  const member = evaluated([0.5, 1]);
  member.recordLoss(2, loss);
  member.recordLoss(3, 1);
  member.recordEvaluation(3, { test: metrics(0.9, 0.1), validation: null });
  expect(member.divergedAt).toBe(2);
  expect(member.best?.step).toBe(1);
});

test("a test loss that is not finite is a divergence too", () => {
  expect(evaluated([0.5, 1], [0.5, Number.NaN]).divergedAt).toBe(2);
});

test("the best cell has the highest accuracy at its checkpoint; a diverged one never decides beside a living one", () => {
  const low = evaluated([0.2, 1]);
  const high = evaluated([0.6, 3]);
  const lost = evaluated([0.9, 0.1]);
  lost.recordLoss(2, Number.NaN);
  expect(bestMember([low, high, lost])).toBe(high);
  expect(bestMember([high, evaluated([0.6, 1])])).toBe(high); // the first of equals
});

test("where all diverged, the one that lasted longest stands for them", () => {
  const early = evaluated();
  early.recordLoss(1, Number.NaN);
  const late = evaluated([0.9, 0.1]);
  late.recordLoss(2, Number.NaN);
  expect(bestMember([early, late])).toBe(late);
});
