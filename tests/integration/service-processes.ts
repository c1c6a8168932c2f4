// The whole service as the processes a person would start, which a test may stop and kill.
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { SearchConfigInput } from "../../genome/space.ts";
import type { CandidateDetail, Page, Search, WorkerInfo } from "../../services/api/schemas.ts";
import { ApiClient, readLocalConnection } from "../../services/cli/client.ts";
import { until } from "./until.ts";

const launcher = fileURLToPath(new URL("../../services/cli/starling.mjs", import.meta.url));

/** Short times, so that a test need not wait for what a person would not notice. */
const hasty = {
  ...{ PORT: "0", STARLING_WORKERS: "1", STARLING_LEASE_SECONDS: "3", STARLING_RENEW_SECONDS: "1" },
  ...{ STARLING_RECONCILE_SECONDS: "0.5", STARLING_DRAIN_SECONDS: "5", LOG_LEVEL: "info", LOG_FORMAT: "json" },
  STARLING_REQUESTS_PER_MINUTE: "100000",
  ...{ STARLING_THREADS: "1", STARLING_ENGINE: "onnxruntime" },
};

export interface Command {
  readonly pid: number;
  output(): string;
  errors(): string;
  kill(signal?: NodeJS.Signals): void;
  /** Resolves with the exit code, null after a signal. */
  readonly ended: Promise<number | null>;
}

/** `starling <args>`; variables of this process that configure Starling are not passed on. */
export function runStarling(args: readonly string[], env: Readonly<Record<string, string>> = {}): Command {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(STARLING_|DATABASE_|REDIS_|PORT$|HOST$|LOG_)/.test(name),
  );
  const child: ChildProcess = spawn(process.execPath, [launcher, ...args], {
    env: { ...Object.fromEntries(own), ...hasty, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const written = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.on("data", (data) => {
      written[stream] += data;
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  return {
    pid: child.pid ?? 0,
    output: () => written.stdout,
    errors: () => written.stderr,
    kill: (signal = "SIGKILL") => void child.kill(signal),
    ended,
  };
}

export interface Starling extends Command {
  readonly url: string;
  readonly api: ApiClient;
  submit(config: SearchConfigInput): Promise<Search>;
  search(id: string): Promise<Search>;
  /** Resolves with the search in its last state. */
  searchEnded(id: string): Promise<Search>;
  /** Resolves once so many evaluations are complete and another one is being trained. */
  inTheMiddle(id: string, complete: number): Promise<void>;
  candidates(id: string): Promise<CandidateDetail[]>;
  /** The one worker process that runs now, once it has registered. */
  worker(): Promise<WorkerInfo>;
  /** The status of `/readyz`, 0 without an answer. */
  readiness(): Promise<number>;
}

/** `starling serve`, resolved once it answers. */
export async function startStarling(home: string, env: Readonly<Record<string, string>> = {}): Promise<Starling> {
  const command = runStarling(["serve"], { STARLING_HOME: home, ...env });
  let over = false;
  void command.ended.then(() => {
    over = true;
  });
  await until(() => /Starling is at \S+\s/.test(command.output()) || over, 60_000);
  const connection = readLocalConnection(home);
  const url = /Starling is at (\S+)\s/.exec(command.output())?.[1];
  if (url === undefined || connection?.apiKey === undefined) {
    throw new Error(`the service did not start:\n${command.output()}${command.errors()}`);
  }
  const api = new ApiClient({ url, apiKey: connection.apiKey });
  const search = (id: string) => api.get<Search>(`/searches/${id}`);
  return {
    ...{ ...command, url, api, search },
    submit: (config) => api.post<Search>("/searches", { knownDesigns: [], ...config }),
    async searchEnded(id) {
      let last: Search | undefined;
      await until(async () => {
        await sleep(100);
        last = await search(id).catch(() => undefined);
        return ["completed", "cancelled", "failed"].includes(last?.state ?? "");
      }, 120_000).catch((error: Error) => {
        throw new Error(`${error.message}\n${JSON.stringify(last)}\n${command.output().slice(-4000)}`);
      });
      return last as Search;
    },
    inTheMiddle: (id, complete) =>
      until(async () => {
        await sleep(50);
        const { evaluations } = await search(id);
        return evaluations.complete >= complete && evaluations.running > 0;
      }, 60_000),
    async candidates(id) {
      const { items } = await api.get<Page<{ number: number }>>(`/searches/${id}/candidates?limit=200`);
      return Promise.all(items.map(({ number }) => api.get<CandidateDetail>(`/searches/${id}/candidates/${number}`)));
    },
    async worker() {
      let running: WorkerInfo[] = [];
      await until(async () => {
        await sleep(100);
        const { items } = await api.get<Page<WorkerInfo>>("/workers");
        running = items.filter(({ pid }) => isRunning(pid));
        return running.length === 1;
      }, 60_000);
      return running[0] as WorkerInfo;
    },
    readiness: () =>
      fetch(`${url}/readyz`).then(
        ({ status }) => status,
        () => 0,
      ),
  };
}

/** Whether there is such a process, and it has not just ended. */
export function isRunning(pid: number): boolean {
  return processes().some((one) => one.pid === pid);
}

/** The processes that this one started, and those that they started. */
export function descendantsOf(pid: number): number[] {
  const all = processes();
  const below = (parent: number): number[] =>
    all.filter((one) => one.parent === parent).flatMap((one) => [one.pid, ...below(one.pid)]);
  return below(pid);
}

/** Of this machine, without zombies; Linux only. */
function processes(): { pid: number; parent: number }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        const [state = "", parent = ""] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return state === "Z" ? [] : [{ pid: Number(name), parent: Number(parent) }];
      } catch {
        return []; // it has ended meanwhile
      }
    });
}

/** The smallest search that is real: one task that trains for half a second. */
export const tiny = {
  ...{ seed: 11, tasks: ["memorization"] },
  algorithm: { name: "nsga2", population: 4, elitism: 1 },
  budget: { candidates: 7 },
  space: { depth: 2, operators: ["attention", "gated-short-convolution", "linear-attention", "swiglu", "mlp"] },
} satisfies SearchConfigInput;

/** What every search must keep, whatever was killed: each result paid for once, and none missing. */
export function accountFor(candidates: readonly CandidateDetail[]) {
  const evaluations = candidates.flatMap((candidate) =>
    candidate.evaluations.map((one) => ({ ...one, key: `${candidate.genomeHash} ${one.task}` })),
  );
  const paid = evaluations.filter(({ state, reusedFrom }) => state === "complete" && reusedFrom === null);
  return {
    evaluations,
    paid,
    paidTwice: paid.map(({ key }) => key).filter((key, index, all) => all.indexOf(key) !== index),
    attempts: evaluations.reduce((sum, { attempt }) => sum + attempt, 0),
    sequence: candidates.map(({ number, genome, parents, score, state, generation }) => ({
      ...{ number, genome, parents, score, state, generation },
    })),
  };
}
