// How a job of the engine process can end without a result.

/** The job took longer than it may; its process was killed. */
export class TimeoutError extends Error {
  override readonly name = "TimeoutError";
  readonly limitMs: number;

  constructor(job: string, limitMs: number) {
    super(`${job} took longer than ${limitMs / 1000} s; its process was killed`);
    this.limitMs = limitMs;
  }
}

/** The job's process took more memory than it may, or more than there was. */
export class OomError extends Error {
  override readonly name = "OomError";
  /** Resident memory when it was last looked at. */
  readonly residentBytes: number;
  readonly limitBytes: number | undefined;

  constructor(job: string, residentBytes: number, limitBytes?: number) {
    const limit = limitBytes === undefined ? "" : ` (limit ${megabytes(limitBytes)})`;
    super(`${job} ran out of memory: its process held ${megabytes(residentBytes)}${limit}`);
    this.residentBytes = residentBytes;
    this.limitBytes = limitBytes;
  }
}

/** The engine's process ended by itself in the middle of a job. */
export class EngineCrashError extends Error {
  override readonly name = "EngineCrashError";
  readonly exitCode: number | null;
  readonly exitSignal: NodeJS.Signals | null;
  /** The end of what the process wrote, at most 64 KiB. */
  readonly log: string;

  constructor(job: string, exit: ProcessExit) {
    const how = exit.signal ? `by ${exit.signal}` : `with exit code ${exit.code}`;
    const lastLines = exit.log.trimEnd().split("\n").slice(-8).join("\n");
    super(`the engine's process ended ${how} during ${job}${lastLines ? `; it wrote last:\n${lastLines}` : ""}`);
    this.exitCode = exit.code;
    this.exitSignal = exit.signal;
    this.log = exit.log;
  }
}

/** No job can run here: the jobs cannot be loaded, or the engine that they need does not start. */
export class EngineStartError extends Error {
  override readonly name = "EngineStartError";
}

/** The job itself threw: the same request would fail the same way again. */
export class JobError extends Error {
  override readonly name = "JobError";
  /** The class of the error in the child, e.g. "GenomeError". */
  override readonly cause: RemoteError;

  constructor(error: RemoteError) {
    super(error.message);
    this.cause = error;
  }
}

export interface RemoteError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly log: string;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MB`;
}
