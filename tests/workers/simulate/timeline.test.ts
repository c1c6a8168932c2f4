import fc from "fast-check";
import { expect, test } from "vitest";
import { Timeline } from "../../../workers/simulate/timeline.ts";

test("gives what was planned by time, and by the order of planning where the time is equal", () => {
  const times = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 });
  fc.assert(
    fc.property(times, (all) => {
      const timeline = new Timeline<number>();
      all.forEach((at, place) => {
        timeline.plan(at, place);
      });
      const sorted = all.map((at, place) => ({ at, place })).sort((a, b) => a.at - b.at || a.place - b.place);
      for (const { at, place } of sorted) expect(timeline.next()).toMatchObject({ at, happening: place });
      expect(timeline.next()).toBeNull();
    }),
  );
});

test("takes new plans between", () => {
  const timeline = new Timeline<string>();
  timeline.plan(5, "late");
  timeline.plan(1, "early");
  expect(timeline.next()?.happening).toBe("early");
  timeline.plan(2, "middle");
  expect([timeline.next(), timeline.next(), timeline.next()].map((one) => one?.happening)).toEqual([
    "middle",
    "late",
    undefined,
  ]);
});
