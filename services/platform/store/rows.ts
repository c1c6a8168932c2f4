// Database rows become the store's plain objects here.
import type {
  Candidate as CandidateRow,
  Evaluation as EvaluationRow,
  FailureReason as FailureReasonRow,
} from "../../../prisma/client/client.ts";
import type { Candidate, CurvePoint, Evaluation, FailureReason, JsonObject } from "./types.ts";

export function iso(date: Date): string {
  return date.toISOString();
}

export function isoOrNull(date: Date | null): string | null {
  return date === null ? null : date.toISOString();
}

/** Prisma's name for `worker-lost` has an underscore. */
function toReason(reason: FailureReasonRow | null): FailureReason | null {
  return reason === "worker_lost" ? "worker-lost" : reason;
}

export function toCandidate(row: CandidateRow): Candidate {
  return {
    ...row,
    reason: toReason(row.reason),
    variation: row.variation as JsonObject,
    taskScores: row.taskScores as Record<string, number>,
    createdAt: iso(row.createdAt),
    finishedAt: isoOrNull(row.finishedAt),
  };
}

export function toEvaluation(row: EvaluationRow): Evaluation {
  const { resultKey: _, seed: __, fence: ___, leaseExpiresAt: ____, ...rest } = row;
  return {
    ...rest,
    reason: toReason(row.reason),
    setting: row.setting as JsonObject,
    metrics: row.metrics as JsonObject,
    curve: row.curve as unknown as CurvePoint[],
    createdAt: iso(row.createdAt),
    startedAt: isoOrNull(row.startedAt),
    finishedAt: isoOrNull(row.finishedAt),
  };
}
