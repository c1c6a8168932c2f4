// One child process with the end of what it wrote, its memory, and a way to end it for sure.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { ProcessExit } from "./errors.ts";
import { type ChildMessage, type JobMessage, moduleBeside } from "./jobs.ts";

const logBytes = 64 * 1024;
/** A grandchild may hold the pipes open for longer. */
const drainMs = 500;

export class SpawnedChild {
  readonly exited: Promise<ProcessExit>;
  onMessage: ((message: ChildMessage) => void) | undefined;
  jobsDone = 0;
  /** Whether its jobs were loaded. */
  isReady = false;
  readonly #process: ChildProcess;
  #isEnding = false;
  #log = "";
  #reportedBytes = 0;

  constructor(jobsModule: URL) {
    this.#process = fork(moduleBeside(import.meta.url, "child"), [jobsModule.href], {
      execArgv: typescriptHook(),
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // Its own process group: Ctrl-C in the terminal is for the worker, which decides what becomes of the job.
      detached: true,
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#log = (this.#log + text).slice(-logBytes);
      });
    }
    this.#process.on("message", (message: ChildMessage) => {
      if (message.kind === "memory") this.#reportedBytes = message.residentBytes;
      else if (message.kind === "ready") this.isReady = true;
      else this.onMessage?.(message);
    });
    this.exited = new Promise((resolve) => {
      const finish = (code: number | null, signal: NodeJS.Signals | null) => resolve({ code, signal, log: this.#log });
      this.#process.on("exit", async (code, signal) => {
        await Promise.race([this.#drained(), delay(drainMs)]);
        finish(code, signal);
      });
      this.#process.on("error", (error) => {
        this.#log += `${error}\n`;
        if (this.#process.pid === undefined) finish(null, null);
      });
    });
  }

  /** Whether it can take another job. */
  get isUsable(): boolean {
    return this.#process.connected && !this.#isEnding;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  send(message: JobMessage): void {
    // A child that has just ended reports itself through `exited`.
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  /** Whether the child keeps this process from ending. */
  hold(isBusy: boolean): void {
    const handles = [this.#process, this.#process.channel, this.#process.stdout, this.#process.stderr];
    for (const handle of handles as ({ ref?(): void; unref?(): void } | null | undefined)[]) {
      if (isBusy) handle?.ref?.();
      else handle?.unref?.();
    }
  }

  /** Resident memory in bytes; 0 while unknown. */
  async residentBytes(): Promise<number> {
    if (process.platform !== "linux") return this.#reportedBytes;
    try {
      const status = await readFile(`/proc/${this.pid}/status`, "utf8");
      return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
    } catch {
      return 0; // it has ended
    }
  }

  /** Lets an idle child end by itself, and kills it if it does not within the grace. */
  async retire(graceMs: number): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    await this.#endWithin(graceMs);
  }

  /** SIGTERM, and SIGKILL after the grace. */
  async kill(graceMs: number): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#endWithin(graceMs);
  }

  /** When everything it wrote has arrived. (Node's "close" event does not come after a disconnect.) */
  async #drained(): Promise<void> {
    const open = [this.#process.stdout, this.#process.stderr].filter((stream) => stream && !stream.closed);
    await Promise.all(open.map((stream) => once(stream as Readable, "close")));
  }

  async #endWithin(graceMs: number): Promise<void> {
    this.#isEnding = true;
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), graceMs);
    await this.exited;
    clearTimeout(timer);
  }
}

/** Run from TypeScript sources, the child needs what this process has: tsx. */
function typescriptHook(): string[] {
  if (!import.meta.url.endsWith(".ts")) return [];
  const tsx = createRequire(import.meta.url).resolve("tsx");
  return ["--import", pathToFileURL(tsx).href];
}
