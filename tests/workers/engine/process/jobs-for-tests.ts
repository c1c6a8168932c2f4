// Jobs that a child process of the tests can run: well-behaved ones and all kinds of misbehaviour.
import { GenomeError } from "../../../../genome/errors.ts";
import type { JobTable } from "../../../../workers/engine/process/jobs.ts";

export const jobs = {
  async double(values: Float32Array, report: (progress: { done: number }) => void) {
    for (let done = 1; done <= 3; done++) report({ done });
    return { doubled: values.map((value) => 2 * value), notANumber: Number.NaN, pid: process.pid };
  },

  async fail(message: string) {
    throw new GenomeError(message);
  },

  async sleep(ms: number) {
    await new Promise((resolve) => setTimeout(resolve, ms));
  },

  /** Blocks the thread, as onnxruntime does. */
  async spin(_request: null, report: (pid: number) => void) {
    report(process.pid);
    await new Promise((resolve) => setTimeout(resolve, 50)); // lets the report leave
    for (;;);
  },

  async ignoreTermination(_request: null, report: (pid: number) => void) {
    process.on("SIGTERM", () => {});
    report(process.pid);
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  },

  /** Holds megabytes until it is asked for others. */
  async hold(megabytes: number) {
    held = Buffer.alloc(megabytes * 2 ** 20, 1);
    await new Promise((resolve) => setTimeout(resolve, 700));
    return held.length;
  },

  async exhaustHeap() {
    const kept: number[][] = [];
    for (;;) kept.push(new Array(1e6).fill(0.5));
  },

  async refuseMemory(words: string) {
    throw new Error(words);
  },

  async abort(lines: number) {
    const text = Array.from({ length: lines }, (_, line) => `line ${line}\n`).join("");
    await new Promise((resolve) => process.stderr.write(text, resolve));
    process.abort();
  },

  async exit(code: number) {
    process.exit(code);
  },

  async unknownResult() {
    return () => "functions cannot be cloned";
  },
} satisfies JobTable;

let held: Buffer;
