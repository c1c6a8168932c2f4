// Which failure is the candidate's and which the machine's.
import type { FailureReason } from "../../services/platform/store/types.ts";
import { EngineCrashError, JobError, OomError, TimeoutError } from "../engine/process/errors.ts";

export interface Failure {
  readonly reason: FailureReason;
  readonly message: string;
  /** Worth another attempt: the machine's fault, not the candidate's. */
  readonly retry: boolean;
}

const maximumMessage = 2000;

export function failureOf(error: unknown): Failure {
  return { ...classify(error), message: messageOf(error).slice(0, maximumMessage) };
}

function classify(error: unknown): Omit<Failure, "message"> {
  if (error instanceof TimeoutError) return { reason: "timeout", retry: false };
  if (error instanceof OomError) return { reason: "oom", retry: false };
  if (error instanceof EngineCrashError) return { reason: "internal", retry: true };
  if (error instanceof JobError) {
    const isInvalid = error.cause.name === "GenomeError" || error.cause.name === "RangeError";
    return { reason: isInvalid ? "invalid" : "internal", retry: false };
  }
  return { reason: "internal", retry: true };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
