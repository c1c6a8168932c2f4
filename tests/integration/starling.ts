// Runs the real `starling` command as a person's shell would: a process of its own, with output and an exit code.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

const launcher = fileURLToPath(new URL("../../services/cli/starling.mjs", import.meta.url));

export interface Ended {
  /** Exit code; null after a signal. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  out(): string;
  /** Resolves once the text was written to standard output; rejects if the command ends before. */
  says(text: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<Ended>;
}

export interface StarlingOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
}

export function startStarling(args: readonly string[], { env = {}, input }: StarlingOptions = {}): Running {
  const child = spawn(process.execPath, [launcher, ...args], { env: { ...withoutOurs(), ...env } });
  let out = "";
  let err = "";
  let isOver = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  child.stdin.end(input ?? "");
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code) => {
      isOver = true;
      resolve({ code, out, err });
    });
  });
  return {
    out: () => out,
    async says(text) {
      await until(() => out.includes(text) || isOver, 90_000);
      if (!out.includes(text)) throw new Error(`starling ${args.join(" ")} ended without "${text}":\n${out}${err}`);
    },
    signal: (name) => void child.kill(name),
    ended,
  };
}

export const starling = (args: readonly string[], options?: StarlingOptions): Promise<Ended> =>
  startStarling(args, options).ended;

/** What this shell has set must not decide where a test goes. */
function withoutOurs(): NodeJS.ProcessEnv {
  const isOurs = /^(STARLING_|DATABASE_|REDIS_URL|PORT$|HOST$|LOG_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs.test(name)));
}
