// Runs one of the small programs in tests/integration/programs as a process of its own, which a test may kill.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

export interface Program {
  readonly pid: number;
  output(): string;
  /** Resolves once the text was written to standard output. */
  says(text: string): Promise<void>;
  kill(signal?: NodeJS.Signals): void;
  /** Resolves with the exit code, null after a signal. */
  ended: Promise<number | null>;
}

export function runProgram(
  name: string,
  args: readonly string[] = [],
  options: { uid?: number; gid?: number; env?: NodeJS.ProcessEnv; loader?: string } = {},
): Program {
  const script = fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url));
  const { loader = "tsx", ...spawning } = options;
  const child: ChildProcess = spawn(process.execPath, ["--import", loader, script, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    ...spawning,
  });
  let output = "";
  let errors = "";
  child.stdout?.on("data", (data) => {
    output += data;
  });
  child.stderr?.on("data", (data) => {
    errors += data;
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  let over = false;
  void ended.then(() => {
    over = true;
  });
  return {
    pid: child.pid ?? 0,
    output: () => output,
    async says(text) {
      await until(() => output.includes(text) || over, 60_000);
      if (!output.includes(text)) throw new Error(`${name} ended without saying "${text}":\n${output}${errors}`);
    },
    kill: (signal = "SIGKILL") => void child.kill(signal),
    ended,
  };
}
