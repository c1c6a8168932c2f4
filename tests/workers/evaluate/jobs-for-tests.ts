// A training that does as its setting says: as long as it is asked to, to the end it is asked for.
import { GenomeError } from "../../../genome/errors.ts";
import { EngineStartError } from "../../../workers/engine/process/errors.ts";
import type { JobTable } from "../../../workers/engine/process/jobs.ts";

export interface Behaviour {
  readonly ms?: number;
  readonly megabytes?: number;
  readonly end?: "diverged" | "invalid" | "range" | "bug" | "crash" | "no-memory" | "no-engine";
}

let held: Buffer | undefined;

export const jobs = {
  async trainAndScore({ setting, seed }: { setting: Behaviour; seed: number }) {
    const { ms = 0, megabytes = 0, end } = setting;
    held = Buffer.alloc(megabytes * 2 ** 20, 1);
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (end === "invalid") throw new GenomeError("segment 2: no such thing");
    if (end === "range") throw new RangeError("memorization: length 3 is odd");
    if (end === "bug") throw new TypeError("x is not a function");
    if (end === "crash") process.kill(process.pid, "SIGKILL");
    if (end === "no-engine") throw new EngineStartError("no device");
    if (end === "no-memory") throw new Error("std::bad_alloc");
    return {
      ...{ outcome: end === "diverged" ? "diverged" : "scored", score: seed / 100, metrics: { chance: 0.25 } },
      ...{ perMember: [{ learningRate: 0.5 }], curve: [{ step: 3, trainLoss: 1, testLoss: null, testAccuracy: 0.5 }] },
      ...{ steps: 3, stepMs: ms, trainSeconds: ms / 1000, engine: "by hand", held: held.length },
    };
  },
} satisfies JobTable;
