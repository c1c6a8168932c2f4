import { expect, test } from "vitest";
import { EngineCrashError, JobError, OomError, TimeoutError } from "../../../workers/engine/process/errors.ts";
import { failureOf } from "../../../workers/evaluate/failures.ts";

const thrown = (name: string) => new JobError({ name, message: `a ${name}`, stack: "" });

test.each([
  [new TimeoutError("train", 3000), "timeout", false],
  [new OomError("train", 2 ** 30, 2 ** 29), "oom", false],
  [new EngineCrashError("train", { code: null, signal: "SIGSEGV", log: "last words" }), "internal", true],
  [thrown("GenomeError"), "invalid", false],
  [thrown("RangeError"), "invalid", false],
  [thrown("EngineError"), "internal", false],
  [thrown("TypeError"), "internal", false],
  [new Error("the disk is full"), "internal", true],
  ["not an error", "internal", true],
])("%s is %s, worth another attempt: %s", (error, reason, retry) => {
  const failure = failureOf(error);
  expect(failure).toMatchObject({ reason, retry });
  expect(failure.message).toBe(error instanceof Error ? error.message : error);
});

test("a long message is cut", () => {
  expect(failureOf(new Error("x".repeat(1e6))).message).toHaveLength(2000);
});
