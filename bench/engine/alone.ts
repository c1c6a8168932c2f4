// A measurement in a process of its own: its memory and its first compilation are its own then, and its crash too.
import { EngineProcess } from "../../workers/engine/process/engine-process.ts";
import { moduleBeside } from "../../workers/engine/process/jobs.ts";
import type { Measurement, Request } from "./measure.ts";
import type { jobs } from "./step-jobs.ts";

export async function measureAlone(request: Request): Promise<Measurement> {
  const jobsModule = moduleBeside(import.meta.url, "step-jobs");
  const child = new EngineProcess<typeof jobs>({ jobsModule, jobsPerChild: 1 });
  try {
    return await child.run("measureStep", request);
  } finally {
    await child.stop();
  }
}
