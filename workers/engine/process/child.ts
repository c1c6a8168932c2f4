// The engine's process: runs one job after another for the worker that started it, and ends with it.
import { Worker } from "node:worker_threads";
import type { ChildMessage, JobMessage, JobTable } from "./jobs.ts";

const [, , jobsModule = ""] = process.argv;
const { jobs } = (await import(jobsModule)) as { jobs: JobTable };

send({ kind: "ready" });
process.on("disconnect", () => process.exit());
process.on("message", (message: JobMessage) => void run(message));
endWithParent();
// Elsewhere the parent looks by itself.
if (process.platform !== "linux") {
  setInterval(() => send({ kind: "memory", residentBytes: process.memoryUsage.rss() }), 1000).unref();
}

async function run({ job, request }: JobMessage): Promise<void> {
  try {
    const handler = jobs[job];
    if (!handler) throw new Error(`there is no job "${job}"; there are ${Object.keys(jobs).join(", ")}`);
    const report = (progress: unknown) => send({ kind: "progress", progress });
    send({ kind: "result", result: await handler(request as never, report) });
  } catch (error) {
    const { name, message, stack = "" } = error instanceof Error ? error : new Error(String(error));
    send({ kind: "error", error: { name, message, stack } });
  }
}

function send(message: ChildMessage): void {
  process.send?.(message);
}

/**
 * A parent that was killed closes the channel, but this thread may be inside a long step and not notice. A second
 * thread does: once orphaned, a process has another parent.
 */
function endWithParent(): void {
  const watch = `setInterval(() => process.ppid === ${process.ppid} || process.kill(process.pid, "SIGKILL"), 1000)`;
  new Worker(watch, { eval: true, execArgv: [] }).unref();
}
