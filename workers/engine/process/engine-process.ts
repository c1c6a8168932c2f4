// Runs jobs in a child process: onnxruntime blocks its thread, a native failure ends its process, and only a kill is
// sure to stop a step that takes too long.
import { EngineError } from "../errors.ts";
import {
  EngineCrashError,
  EngineStartError,
  JobError,
  OomError,
  type ProcessExit,
  type RemoteError,
  TimeoutError,
} from "./errors.ts";
import type { ChildMessage, JobTable, ProgressOf, RequestOf, ResultOf } from "./jobs.ts";
import { SpawnedChild } from "./spawned-child.ts";

export interface EngineProcessOptions {
  /** The module whose `jobs` the child runs; see `moduleBeside`. */
  readonly jobsModule: URL;
  /** Between SIGTERM and SIGKILL; default 5 s. */
  readonly killGraceMs?: number;
  /** A new child after so many jobs; default 50. */
  readonly jobsPerChild?: number;
  /** A new child once an idle one holds more than this; default 1 GiB. */
  readonly idleBytes?: number;
}

export interface JobOptions<Progress> {
  /** From the call of `run`; the start of a new child, a second or two, is part of it. */
  readonly timeoutMs?: number | undefined;
  /** Resident memory of the child. */
  readonly memoryBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

const memoryWatchMs = 250;

/** One child at a time, kept between jobs. */
export class EngineProcess<Jobs extends JobTable> {
  readonly #options: Required<EngineProcessOptions>;
  #child: SpawnedChild | undefined;
  #end: ((reason: Error) => void) | undefined;

  constructor(options: EngineProcessOptions) {
    this.#options = { killGraceMs: 5000, jobsPerChild: 50, idleBytes: 2 ** 30, ...options };
  }

  /** The present child's process id, if there is one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Runs one job; a second call before it has ended is an error.
   *
   * @throws TimeoutError, OomError or the signal's reason after the child has been killed, EngineCrashError where it
   *   ended by itself, EngineStartError where it did so before it had loaded the jobs or where a job threw an error of
   *   that name, JobError where the job threw another.
   */
  async run<Name extends keyof Jobs & string>(
    job: Name,
    request: RequestOf<Jobs[Name]>,
    options: JobOptions<ProgressOf<Jobs[Name]>> = {},
  ): Promise<ResultOf<Jobs[Name]>> {
    if (this.#end) throw new EngineError(`${job}: the engine process is busy with another job`);
    options.signal?.throwIfAborted();
    const child = this.#child?.isUsable ? this.#child : new SpawnedChild(this.#options.jobsModule);
    this.#child = child;
    child.hold(true);
    try {
      return (await this.#supervise(child, job, request, options as JobOptions<unknown>)) as ResultOf<Jobs[Name]>;
    } finally {
      this.#end = undefined;
      child.hold(false);
      child.jobsDone++;
      if (await this.#isSpent(child)) {
        if (this.#child === child) this.#child = undefined;
        void child.retire(this.#options.killGraceMs);
      }
    }
  }

  /** Ends the child; a job that is running fails. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#end?.(new EngineError("the engine process was stopped"));
    this.#child = undefined;
    await child?.retire(this.#options.killGraceMs);
  }

  #supervise(child: SpawnedChild, job: string, request: unknown, options: JobOptions<unknown>): Promise<unknown> {
    const { timeoutMs, memoryBytes, signal, onProgress } = options;
    const cleanUp: (() => void)[] = [];
    let residentBytes = 0;
    const result = new Promise((resolve, reject) => {
      // The first reason to end the job is the one it fails with, once the child is gone.
      let reason: unknown;
      const end = (why: unknown) => {
        reason ??= why;
        void child.kill(this.#options.killGraceMs);
      };
      this.#end = end;
      void child.exited.then((exit) => reject(reason ?? crash(job, exit, residentBytes, child.isReady)));

      child.onMessage = (message: ChildMessage) => {
        if (message.kind === "result") resolve(message.result);
        if (message.kind === "error") reject(failure(job, message.error, residentBytes));
        if (message.kind === "progress") attempt(() => onProgress?.(message.progress), end);
      };
      if (timeoutMs !== undefined) {
        const timer = setTimeout(() => end(new TimeoutError(job, timeoutMs)), timeoutMs);
        cleanUp.push(() => clearTimeout(timer));
      }
      const watch = setInterval(async () => {
        residentBytes = (await child.residentBytes()) || residentBytes;
        if (memoryBytes !== undefined && residentBytes > memoryBytes)
          end(new OomError(job, residentBytes, memoryBytes));
      }, memoryWatchMs);
      cleanUp.push(() => clearInterval(watch));
      if (signal) {
        const abort = () => end(signal.reason);
        signal.addEventListener("abort", abort, { once: true });
        cleanUp.push(() => signal.removeEventListener("abort", abort));
      }
      child.send({ job, request });
    });
    return result.finally(() => {
      child.onMessage = undefined;
      for (const undo of cleanUp) undo();
    });
  }

  /** Whether a child has ended, has done its share or has grown too large. */
  async #isSpent(child: SpawnedChild): Promise<boolean> {
    const { jobsPerChild, idleBytes } = this.#options;
    return !child.isUsable || child.jobsDone >= jobsPerChild || (await child.residentBytes()) > idleBytes;
  }
}

function crash(job: string, exit: ProcessExit, residentBytes: number, isReady: boolean): Error {
  if (saysOutOfMemory(exit.log)) return new OomError(job, residentBytes);
  const error = new EngineCrashError(job, exit);
  // By a signal somebody else ended it.
  return isReady || exit.signal ? error : new EngineStartError(error.message, { cause: error });
}

function failure(job: string, error: RemoteError, residentBytes: number): Error {
  if (error.name === "EngineStartError") return new EngineStartError(error.message, { cause: error });
  return saysOutOfMemory(error.message) ? new OomError(job, residentBytes) : new JobError(error);
}

/** The words of V8, of the C++ library, of onnxruntime and of PJRT. */
function saysOutOfMemory(text: string): boolean {
  return /heap out of memory|Array buffer allocation failed|bad_alloc|Failed to allocate memory|RESOURCE_EXHAUSTED/.test(
    text,
  );
}

function attempt(action: () => void, failed: (error: unknown) => void): void {
  try {
    action();
  } catch (error) {
    failed(error);
  }
}
