// A worker: takes evaluations and advances from the queues until it is told to stop.
import { availableParallelism, hostname } from "node:os";
import { join } from "node:path";
import type { Config } from "../services/platform/config.ts";
import type { Log } from "../services/platform/log.ts";
import type { Queues } from "../services/platform/queue.ts";
import type { Store } from "../services/platform/store/store.ts";
import { advance } from "./advance/advance.ts";
import { EngineProcess } from "./engine/process/engine-process.ts";
import { EngineStartError } from "./engine/process/errors.ts";
import { moduleBeside } from "./engine/process/jobs.ts";
import { type EngineSetting, selectEngine } from "./engine/select.ts";
import type { jobs } from "./engine-jobs.ts";
import { type EvaluatorSettings, evaluate } from "./evaluate/evaluate.ts";

const heartbeatMs = 10_000;

export interface WorkerOptions {
  readonly config: Pick<
    Config,
    "engine" | "engineSettings" | "threads" | "workers" | "leaseSeconds" | "renewSeconds" | "drainSeconds" | "home"
  >;
  readonly store: Store;
  readonly queues: Queues;
  readonly log: Log;
}

export interface RunningWorker {
  readonly id: string;
  /** Takes nothing new, lets what runs go on for the drain time, then gives it back. */
  stop(): Promise<void>;
  /** Resolves when somebody asked this worker to drain through the database. */
  readonly drained: Promise<void>;
  /** Resolves with the reason once it has turned out that no evaluation can run here; nothing more is taken then. */
  readonly broken: Promise<EngineStartError>;
}

/** The engine's child process for one slot of a worker. */
const newEngineProcess = (): EngineProcess<typeof jobs> => new EngineProcess<typeof jobs>({ jobsModule });

const jobsModule = moduleBeside(import.meta.url, "engine-jobs");

export async function startWorker({ config, store, queues, log }: WorkerOptions): Promise<RunningWorker> {
  const concurrency = Math.max(1, config.workers);
  const threads = config.threads || Math.max(1, Math.floor(availableParallelism() / concurrency));
  const engineSettings = { ...config.engineSettings, threads };
  const { name: engine, found, passedOver } = await selectEngine(config.engine as EngineSetting, engineSettings);
  const registration = { host: hostname(), pid: process.pid, engine, concurrency };
  let id = await store.registerWorker(registration);
  const workerLog = log.child({ workerId: id });
  workerLog.info({ engine, found, passedOver, concurrency, threads }, "worker started");

  const draining = new AbortController();
  const idle = Array.from({ length: concurrency }, newEngineProcess);
  const children = [...idle];
  const settings = (): EvaluatorSettings => ({
    ...{ workerId: id, engine, engineSettings, concurrency },
    ...{ leaseSeconds: config.leaseSeconds, renewSeconds: config.renewSeconds },
    dataFolder: join(config.home, "data"),
  });

  let isBroken = false;
  let breakDown: (reason: EngineStartError) => void = () => undefined;
  const broken = new Promise<EngineStartError>((resolve) => {
    breakDown = resolve;
  });
  const evaluations = queues.work(
    "evaluate",
    async (evaluationId) => {
      if (isBroken) return;
      const child = idle.pop();
      if (child === undefined) throw new Error("more evaluations at once than the worker has slots");
      try {
        await evaluate(evaluationId, child, settings(), { store, queues, log: workerLog }, draining.signal);
      } catch (error) {
        if (!(error instanceof EngineStartError)) throw error;
        isBroken = true;
        breakDown(error);
      } finally {
        idle.push(child);
      }
    },
    { concurrency },
  );
  const advances = queues.work("advance", (searchId) => advance(searchId, { store, queues, log: workerLog }), {
    concurrency: 1,
  });

  let askedToDrain: () => void = () => undefined;
  const drained = new Promise<void>((resolve) => {
    askedToDrain = resolve;
  });
  const heartbeat = setInterval(async () => {
    try {
      const answer = await store.heartbeatWorker(id);
      if (answer === null) id = await store.registerWorker(registration);
      else if (answer.draining) askedToDrain();
    } catch (error) {
      workerLog.warn({ err: error }, "heartbeat failed");
    }
  }, heartbeatMs);

  return {
    id,
    drained,
    broken,
    async stop() {
      const giveBack = setTimeout(() => draining.abort(), config.drainSeconds * 1000);
      await Promise.all([evaluations.close(), advances.close()]);
      clearTimeout(giveBack);
      clearInterval(heartbeat);
      await Promise.all(children.map((child) => child.stop()));
      await store.stopWorker(id).catch(() => false);
      workerLog.info("worker stopped");
    },
  };
}
