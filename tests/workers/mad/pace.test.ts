import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Pace } from "../../../workers/mad/pace.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A call of so many milliseconds, on a clock that only moves when it is told to. */
const call = (pace: Pace, steps: number, ms: number) => pace.time(steps, async () => vi.advanceTimersByTime(ms));

test("a step takes the median over the calls, without the first, in which an engine warms up", async () => {
  const pace = new Pace();
  expect(pace.stepMs).toBeNull();
  await call(pace, 4, 4000);
  expect(pace.stepMs).toBe(1000);
  for (const [steps, ms] of [
    [4, 40],
    [8, 96],
    [8, 800],
  ] as const) {
    await call(pace, steps, ms);
  }
  expect(pace.stepMs).toBe(12);
});

test("more steps are asked for while calls are short, fewer when one is long", async () => {
  const pace = new Pace();
  await call(pace, pace.steps, 200);
  expect(pace.steps).toBe(8);
  await call(pace, pace.steps, 500);
  expect(pace.steps).toBe(8);
  await call(pace, pace.steps, 1500);
  expect(pace.steps).toBe(4);
});
