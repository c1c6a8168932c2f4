import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { oneAtATime } from "../../dashboards/answer.ts";
import { throttle } from "../../dashboards/live.ts";

describe("throttle", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("a thousand events in a second cause two refreshes, the last one after the last event", () => {
    const run = vi.fn();
    const { call } = throttle(run, 1_000);
    for (let i = 0; i < 1_000; i++) {
      call();
      vi.advanceTimersByTime(1);
    }
    vi.advanceTimersByTime(5_000);
    expect(run).toHaveBeenCalledTimes(2);
  });

  test("nothing runs after it has been stopped", () => {
    const run = vi.fn();
    const { call, stop } = throttle(run, 1_000);
    call();
    call();
    stop();
    vi.advanceTimersByTime(5_000);
    expect(run).toHaveBeenCalledTimes(1);
  });
});

describe("one at a time", () => {
  test("calls during a run make one more run, never two at once", async () => {
    let running = 0;
    let most = 0;
    let runs = 0;
    const call = oneAtATime(async () => {
      runs += 1;
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
    }, new AbortController().signal);
    for (let i = 0; i < 10; i++) call();
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect([runs, most]).toEqual([2, 1]);
  });
});
