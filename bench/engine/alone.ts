// A measurement in a process of its own: its memory and its first compilation are its own then. Run as a program, this
// file is that process.
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Measurement, measureStep, type Request } from "./measure.ts";

const file = fileURLToPath(import.meta.url);

type Answer = { readonly found: Measurement } | { readonly error: string };

export function measureAlone(request: Request): Promise<Measurement> {
  return new Promise((resolve, reject) => {
    const child = fork(file);
    child.once("message", (answer: Answer) => {
      if ("found" in answer) resolve(answer.found);
      else reject(new Error(answer.error));
    });
    child.once("exit", (code, signal) => reject(new Error(`the process ended with ${signal ?? `code ${code}`}`)));
    child.send(request);
  });
}

if (process.argv[1] === file) {
  process.once("message", async (request: Request) => {
    const answer = await measureStep(request).then(
      (found): Answer => ({ found }),
      (error: unknown): Answer => ({ error: String(error) }),
    );
    process.send?.(answer, () => process.exit());
  });
}
