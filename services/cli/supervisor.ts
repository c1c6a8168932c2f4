// Keeps one local worker process alive: training never shares a process with the API.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Config } from "../platform/config.ts";
import type { Log } from "../platform/log.ts";

const shortestPauseMs = 500;
const longestPauseMs = 30_000;
/** A worker that lived this long was healthy: the next pause is short again. */
const healthyMs = 60_000;

export function superviseWorkers(
  env: Record<string, string>,
  config: Pick<Config, "drainSeconds">,
  log: Log,
): { stop(): Promise<void> } {
  let stopping = false;
  let pauseMs = shortestPauseMs;
  let timer: NodeJS.Timeout | undefined;
  let worker = start();

  function start(): ChildProcess {
    const startedAt = performance.now();
    const child = fork(fileURLToPath(new URL("./starling.mjs", launcherFolder())), ["worker"], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      // Its own process group: Ctrl-C in the terminal reaches the service, which stops the worker in order.
      detached: true,
    });
    child.once("exit", (code, signal) => {
      if (stopping) return;
      log.warn({ pid: child.pid, code, signal }, "worker process ended, starting another");
      pauseMs = performance.now() - startedAt > healthyMs ? shortestPauseMs : Math.min(longestPauseMs, 2 * pauseMs);
      timer = setTimeout(() => {
        worker = start();
      }, pauseMs);
    });
    return child;
  }

  return {
    async stop() {
      stopping = true;
      clearTimeout(timer);
      if (worker.exitCode !== null || worker.signalCode !== null) return;
      const ended = new Promise((resolve) => worker.once("exit", resolve));
      worker.kill("SIGTERM");
      const kill = setTimeout(
        () => {
          log.warn({ pid: worker.pid }, "worker process did not end, killed");
          worker.kill("SIGKILL");
        },
        (config.drainSeconds + 15) * 1000,
      );
      await ended;
      clearTimeout(kill);
    },
  };
}

/** The launcher stays where it is when the rest is compiled. */
function launcherFolder(): URL {
  return import.meta.url.endsWith(".ts")
    ? new URL(import.meta.url)
    : new URL("../../../services/cli/", import.meta.url);
}
