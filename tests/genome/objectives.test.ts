import { describe, expect, test } from "vitest";
import {
  fromMinimized,
  genomeCosts,
  isComparable,
  knownDesigns,
  type Objectives,
  objectiveValue,
  parseGenome,
  referencePoint,
  relativeHypervolume,
  toMinimized,
  violationOf,
} from "../../genome/index.ts";

const mad = { width: 128, length: 128 };
const taskScores = { compression: 0.5, memorization: 1 };
const values = { score: 0.75, taskScores, parameters: 1000, stateBytes: 4096, flopsPerToken: 2000, stepMs: 12 };

test("a score becomes an error, costs stay as they are", () => {
  const objectives: Objectives = [{ name: "stateBytes" }, { name: "score" }, { name: "parameters" }];
  expect(toMinimized(objectives, values)).toEqual([4096, 0.25, 1000]);
  expect(fromMinimized("score", 0.25)).toBe(0.75);
  expect(fromMinimized("parameters", 7)).toBe(7);
});

test("the score of one task and the measured step time are objectives like the others", () => {
  const objectives: Objectives = [{ name: "score:compression" }, { name: "stepMs", limit: 10 }];
  expect(toMinimized(objectives, values)).toEqual([0.5, 12]);
  expect(violationOf(objectives, values)).toBeCloseTo(0.2, 12);
  expect(violationOf([{ name: "score:memorization", limit: 1 }], values)).toBe(0);
  expect(objectiveValue("score:selective-copying", values)).toBeNull();
  expect(referencePoint(objectives, mad, 4096)).toEqual([1, 10]);
  expect(() => referencePoint([{ name: "score" }, { name: "stepMs" }], mad, 4096)).toThrow("stepMs needs a limit");
});

test("only what keeps every limit and has every value may stand on a front", () => {
  expect(isComparable([{ name: "score", limit: 0.7 }, { name: "stepMs" }], values)).toBe(true);
  expect(isComparable([{ name: "score", limit: 0.8 }], values)).toBe(false);
  expect(isComparable([{ name: "score" }, { name: "stepMs" }], { ...values, stepMs: null })).toBe(false);
});

describe("limits", () => {
  test("are kept at equality and missed by their share", () => {
    expect(violationOf([{ name: "parameters", limit: 1000 }], values)).toBe(0);
    expect(violationOf([{ name: "parameters", limit: 800 }], values)).toBe(0.25);
    expect(violationOf([{ name: "score", limit: 0.75 }], values)).toBe(0);
    expect(violationOf([{ name: "score", limit: 0.875 }], values)).toBe(1); // error 0.25 where 0.125 is allowed
    expect(violationOf([{ name: "stateBytes", limit: 0 }], values)).toBe(4096);
    expect(
      violationOf(
        [
          { name: "parameters", limit: 800 },
          { name: "flopsPerToken", limit: 1000 },
        ],
        values,
      ),
    ).toBe(1.25);
  });

  test("of the score are not asked for before training", () => {
    const { score: _, taskScores: __, stepMs: ___, ...costs } = values;
    expect(
      violationOf(
        [
          { name: "score", limit: 1 },
          { name: "parameters", limit: 2000 },
        ],
        costs,
      ),
    ).toBe(0);
  });
});

describe("the reference point", () => {
  const objectives: Objectives = [{ name: "score" }, { name: "parameters" }, { name: "stateBytes", limit: 1_000_000 }];

  test("is a score of 0, 1.1 x the largest known design, or the limit", () => {
    const parameters = genomeCosts(parseGenome(knownDesigns.hyena.genome), mad, 4096).parameters;
    expect(referencePoint(objectives, mad, 4096)).toEqual([1, 1.1 * parameters, 1_000_000]);
  });

  test("exists at every width a search may ask for", () => {
    for (let width = 8; width < 70; width++) {
      const point = referencePoint([{ name: "parameters" }, { name: "flopsPerToken" }], { width, length: 16 }, 64);
      expect(point.every((value) => Number.isFinite(value) && value > 0)).toBe(true);
    }
  });
});

describe("the relative hypervolume", () => {
  test("is the dominated share of the box between 0 and the reference point", () => {
    expect(relativeHypervolume([[0.5, 50]], [1, 100])).toBe(0.25);
    expect(relativeHypervolume([[0, 0]], [1, 100])).toBe(1);
    expect(relativeHypervolume([[1, 0]], [1, 100])).toBe(0);
    expect(relativeHypervolume([], [1, 100])).toBe(0);
  });

  test("is 0 where a limit leaves no room", () => {
    expect(relativeHypervolume([[0.5, 0]], [1, 0])).toBe(0);
  });
});
