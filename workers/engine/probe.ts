// Asks what a process of its own finds out, because the answer may cost that process its life. Asked once: drivers do not
// come and go while a worker runs.

import type { jobs } from "./probe-jobs.ts";
import { EngineProcess } from "./process/engine-process.ts";
import { moduleBeside, type RequestOf, type ResultOf } from "./process/jobs.ts";

type Probes = typeof jobs;

/** A driver that is starting a sleeping GPU takes seconds. */
const timeoutMs = 60_000;
const answers = new Map<string, Promise<unknown>>();

/** @throws what the probe threw, or how its process ended. */
export function askProbe<Name extends keyof Probes & string>(
  name: Name,
  request: RequestOf<Probes[Name]>,
): Promise<ResultOf<Probes[Name]>> {
  const question = JSON.stringify([name, request]);
  const answer = answers.get(question) ?? ask(name, request);
  answers.set(question, answer);
  return answer as Promise<ResultOf<Probes[Name]>>;
}

async function ask<Name extends keyof Probes & string>(name: Name, request: RequestOf<Probes[Name]>): Promise<unknown> {
  const child = new EngineProcess<Probes>({ jobsModule: moduleBeside(import.meta.url, "probe-jobs"), jobsPerChild: 1 });
  try {
    return await child.run(name, request, { timeoutMs });
  } finally {
    await child.stop();
  }
}
