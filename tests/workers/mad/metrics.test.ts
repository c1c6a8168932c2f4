import { describe, expect, test } from "vitest";
import { batchMetrics, classCounts, epochMetrics, macroAccuracy, microAccuracy } from "../../../workers/mad/metrics.ts";

describe("accuracy", () => {
  // Worked out by hand. Class 0: 2 of 3 right. Class 1: 0 of 1. Class 2 is predicted twice and never a target.
  const targets = [0, 0, 0, 1, -100, -100];
  const predictions = [0, 0, 2, 2, 3, 0];
  const counts = classCounts(predictions, targets, 5);

  test("counts leave ignored positions out", () => {
    expect([...counts.correct]).toEqual([2, 0, 0, 0, 0]);
    expect([...counts.missed]).toEqual([1, 1, 0, 0, 0]);
    expect([...counts.wrong]).toEqual([0, 0, 2, 0, 0]);
  });

  test("a class that is only predicted counts with recall 0, one that never occurs does not count", () => {
    expect(macroAccuracy(counts)).toBeCloseTo((2 / 3 + 0 + 0) / 3, 15);
    expect(microAccuracy(counts)).toBe(2 / 4);
  });

  test("nothing scored is 0, not NaN", () => {
    const none = classCounts([1, 2], [-100, -100], 3);
    expect(macroAccuracy(none)).toBe(0);
    expect(microAccuracy(none)).toBe(0);
  });

  test("all right is 1, and rare classes weigh as much as frequent ones", () => {
    expect(macroAccuracy(classCounts([1, 1, 2], [1, 1, 2], 3))).toBe(1);
    expect(macroAccuracy(classCounts([1, 1, 1, 1], [1, 1, 1, 2], 3))).toBe(1 / 2);
  });

  test("as many predictions as targets are needed", () => {
    expect(() => classCounts([1], [1, 2], 3)).toThrow("1 predictions for 2 targets");
  });
});

test("an epoch is the mean of its batches weighted by sequences, perplexity included", () => {
  const first = batchMetrics({ examples: 3, loss: 0 }, [1, 1, 1], [1, 1, 1], 3);
  const second = batchMetrics({ examples: 1, loss: Math.log(9) }, [0], [1], 3);
  const { loss, perplexity, accuracy } = epochMetrics([first, second]);
  expect(loss).toBeCloseTo(Math.log(9) / 4, 15);
  expect(perplexity).toBeCloseTo((3 * 1 + 9) / 4, 12); // exp of the mean loss would be 1.7
  expect(accuracy).toBe(3 / 4);
});
