import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseGenome } from "../../genome/index.ts";
import { EngineProcess } from "../../workers/engine/process/engine-process.ts";
import { chooseEngine } from "../../workers/engine/select.ts";
import type { EvaluationRequest, jobs } from "../../workers/engine-jobs.ts";
import { settingsOf } from "../../workers/mad/profiles.ts";
import { trainAndScore } from "../../workers/mad/training.ts";

let dataFolder: string;
const engine = new EngineProcess<typeof jobs>({ jobsModule: new URL("../../workers/engine-jobs.ts", import.meta.url) });

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "starling-jobs-"));
});
afterAll(async () => {
  await engine.stop();
  await rm(dataFolder, { recursive: true });
});

function request(genome: string): EvaluationRequest {
  const [smoke] = settingsOf("smoke", ["in-context-recall"]);
  const setting = { ...smoke!, training: { ...smoke!.training, epochs: 1 } };
  return {
    genome,
    setting,
    recipe: "mad-2024",
    seed: 1,
    dataFolder,
    engine: "onnxruntime",
    engineSettings: { threads: 1 },
  };
}

test("an evaluation in the child gives what it gives here, with progress on the way", async () => {
  const asked = request("11111{heads=4}-91111");
  let steps = 0;
  const onProgress = ({ step }: { step: number }) => {
    steps = step;
  };
  const there = await engine.run("trainAndScore", asked, { onProgress });
  const { engine: chosen } = await chooseEngine("onnxruntime");
  const here = await trainAndScore({ ...asked, genome: parseGenome(asked.genome), engine: chosen });
  expect(there).toEqual({ ...here, trainSeconds: there.trainSeconds, stepMs: there.stepMs });
  expect(steps).toBe(there.steps);
});

test("a genome that means no model fails with the genome's error", async () => {
  await expect(engine.run("trainAndScore", request("11111{heads=7}-91111"))).rejects.toMatchObject({
    name: "JobError",
    cause: { name: "GenomeError" },
  });
});
