import { describe, expect, test } from "vitest";
import { searchConfig } from "../../../genome/space.ts";
import { forecast } from "../../../services/api/search-answers.ts";

const none = { waiting: 0, running: 0, complete: 0, pruned: 0, failed: 0, cancelled: 0 };
const spent = { evaluations: 0, flops: 0, deviceSeconds: 0 };
const search = (
  budget: object,
  elapsedSeconds: number,
  state = "running" as "running" | "stopping" | "paused" | "completed",
) => ({
  ...{ state, elapsedSeconds },
  config: searchConfig.parse({ budget }),
});

describe("the forecast", () => {
  test("is unknown until a proposal has finished", () => {
    const unknown = { candidatesPerHour: null, etaSeconds: null };
    expect(forecast(search({}, 50), { candidates: { ...none, running: 2 }, knownDesigns: 4, spent })).toEqual(unknown);
    expect(forecast(search({}, 0), { candidates: { ...none, pruned: 1 }, knownDesigns: 0, spent })).toEqual(unknown);
  });

  test("counts known designs in the rate, since they take their time too", () => {
    const candidates = { ...none, complete: 4, failed: 1, pruned: 1 };
    // Ten in 100 s; of 26 proposals 20 are left.
    expect(forecast(search({ candidates: 26 }, 100), { candidates, knownDesigns: 4, spent })).toEqual({
      ...{ candidatesPerHour: 360, etaSeconds: 200 },
    });
  });

  test("ends at the wall-clock budget if that comes first", () => {
    const candidates = { ...none, complete: 10 };
    const budget = { candidates: 1000, wallSeconds: 130 };
    expect(forecast(search(budget, 100), { candidates, knownDesigns: 0, spent }).etaSeconds).toBe(30);
    expect(forecast(search(budget, 140), { candidates, knownDesigns: 0, spent }).etaSeconds).toBe(0);
  });

  test("ends at whichever budget is used up first, at the rate of the search so far", () => {
    const candidates = { ...none, complete: 10 };
    // In 100 s: 60 evaluations, 80 device seconds, 5e12 FLOPs.
    const progress = { candidates, knownDesigns: 0, spent: { evaluations: 60, flops: 5e12, deviceSeconds: 80 } };
    const etaOf = (budget: object) => forecast(search({ candidates: 1000, ...budget }, 100), progress).etaSeconds;
    expect(etaOf({ evaluations: 90 })).toBeCloseTo(50, 9);
    expect(etaOf({ deviceSeconds: 120 })).toBeCloseTo(50, 9);
    expect(etaOf({ flops: 1e13 })).toBeCloseTo(100, 9);
    expect(etaOf({ flops: 1e13, evaluations: 66 })).toBeCloseTo(10, 9);
  });

  test("of a search that stops is the time for what runs; of one that rests or has ended there is none", () => {
    const progress = { candidates: { ...none, complete: 10, running: 2, waiting: 5 }, knownDesigns: 0, spent };
    expect(forecast(search({}, 100, "stopping"), progress).etaSeconds).toBe(20);
    expect(forecast(search({}, 100, "paused"), progress)).toEqual({ candidatesPerHour: 360, etaSeconds: null });
    expect(forecast(search({}, 100, "completed"), progress).etaSeconds).toBeNull();
  });

  test("never goes below zero, though more have finished than the budget says", () => {
    const candidates = { ...none, complete: 10 };
    expect(forecast(search({ candidates: 8 }, 100), { candidates, knownDesigns: 0, spent }).etaSeconds).toBe(0);
  });
});
