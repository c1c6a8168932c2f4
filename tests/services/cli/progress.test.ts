import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { exitCodes } from "../../../services/cli/errors.ts";
import { budgetText, progressOf, progressText, showProgress } from "../../../services/cli/progress.ts";
import { exitCodeOf } from "../../../services/cli/watch.ts";
import { searchOf } from "./searches.ts";

test("whatever needs no more work is progress, good or not", () => {
  const candidates = { waiting: 100, running: 10, complete: 5, pruned: 1, failed: 2, cancelled: 3 };
  expect(progressOf(searchOf({ candidates }))).toEqual({ done: 11, total: 16 });
});

test("every budget that is set is told with what is spent of it", () => {
  const budget = { candidates: 1200, evaluations: null, wallSeconds: 7200, deviceSeconds: null, flops: 1e15 };
  const spent = { candidates: 30, evaluations: 180, wallSeconds: 90, deviceSeconds: 400, flops: 2.5e14 };
  expect(budgetText({ budget, spent })).toBe(
    "30 of 1,200 candidates, 1 min 30 s of 2 h 0 min wall time, 2.50e+14 of 1.00e+15 FLOPs",
  );
});

test("while known designs train, the text says so instead of standing at nothing", () => {
  expect(progressText(searchOf({ state: "queued" }))).toBe("queued");
  expect(progressText(searchOf({ evaluations: { waiting: 24 } }))).toBe("waiting for a worker");
  expect(progressText(searchOf({ evaluations: { running: 2, complete: 8, failed: 1 } }))).toBe(
    "training the 4 known designs first: 9 evaluations done",
  );
});

test("afterwards it tells the time left, the rate, the hypervolume and the best of each objective", () => {
  const search = searchOf({
    ...{ candidates: { complete: 3 }, evaluations: { complete: 40 }, best: { score: 0.5412, stateBytes: 2048 } },
    ...{ hypervolume: 0.26784, etaSeconds: 75, candidatesPerHour: 512.4 },
  });
  const rest = "512 per hour | hypervolume 0.268 | best score 54.1 %, stateBytes 2.0 KiB";
  expect(progressText(search)).toBe(`ETA 1 min 15 s | ${rest}`);
  expect(progressText({ ...search, state: "paused" })).toBe(`paused | ${rest}`);
});

test("without a terminal a line comes every ten seconds, and the last state always", () => {
  const stream = new PassThrough();
  const show = showProgress(stream);
  for (let second = 0; second <= 25; second++) {
    show.update(searchOf({ elapsedSeconds: second, evaluations: { complete: second + 1 } }));
  }
  show.update(searchOf({ elapsedSeconds: 26, state: "cancelled" }));
  show.stop();
  const lines = String(stream.read()).split("\n");
  expect(lines.map((line) => line.split("|")[0]?.trim())).toEqual(["0 s", "10 s", "20 s", "26 s", ""]);
  expect(lines[3]).toContain("0 of 16 candidates");
  expect(lines[3]).toContain("| cancelled |");
});

test("a search that does not change is not repeated", () => {
  const stream = new PassThrough();
  const show = showProgress(stream);
  const search = searchOf({ elapsedSeconds: 50, state: "completed" });
  show.update(search);
  show.update(search);
  show.stop();
  expect(String(stream.read()).match(/\n/g)).toHaveLength(1);
});

test.each([
  ["completed", exitCodes.done],
  ["failed", exitCodes.failed],
  ["cancelled", exitCodes.cancelled],
  ["running", exitCodes.interrupted],
  ["paused", exitCodes.interrupted],
] as const)("a search left as %s gives exit code %i", (state, code) => {
  expect(exitCodeOf(searchOf({ state }))).toBe(code);
});

test("exit codes are told apart, as scripts rely on them", () => {
  expect(exitCodes).toEqual({ done: 0, error: 1, failed: 2, cancelled: 3, interrupted: 130 });
});
