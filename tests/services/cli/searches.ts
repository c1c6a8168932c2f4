// Answers of the API as the command line sees them, with only what a test is about spelled out.
import type { Candidate, Search } from "../../../services/api/schemas.ts";

const none = { waiting: 0, running: 0, complete: 0, pruned: 0, failed: 0, cancelled: 0 };

export const objectives: Search["objectives"] = [
  { name: "score", direction: "maximize", limit: null },
  { name: "stateBytes", direction: "minimize", limit: null },
];

export function searchOf(
  changes: Partial<Omit<Search, "candidates" | "evaluations">> & {
    candidates?: Partial<Search["candidates"]>;
    evaluations?: Partial<Search["evaluations"]>;
  } = {},
): Search {
  return {
    ...{ id: "abc", name: "small", state: "running", reason: null, profile: "smoke", algorithm: "nsga2", objectives },
    budget: { candidates: 16, evaluations: null, wallSeconds: null, deviceSeconds: null, flops: null },
    spent: { candidates: 0, evaluations: 0, wallSeconds: 0, deviceSeconds: 0, flops: 0 },
    ...{ knownDesigns: 4, best: {}, hypervolume: null, generation: 0 },
    ...{ createdAt: "2026-01-02T03:04:05.000Z", startedAt: null, finishedAt: null, config: {} as Search["config"] },
    ...{
      reused: 0,
      failuresByReason: {},
      referencePoint: null,
      elapsedSeconds: 0,
      candidatesPerHour: null,
      etaSeconds: null,
    },
    ...changes,
    candidates: { ...none, ...changes.candidates },
    evaluations: { ...none, ...changes.evaluations },
  };
}

export function candidateOf(changes: Partial<Candidate>): Candidate {
  return {
    ...{ id: "c", searchId: "abc", number: 0, generation: 0, genome: "91111", genomeHash: "h", knownDesign: null },
    ...{ state: "complete", outcome: "scored", reason: null, message: null, parents: [], variation: {} },
    ...{
      parameters: 10,
      stateBytes: 1024,
      flopsPerToken: 20,
      score: 0.5,
      taskScores: {},
      stepMs: null,
      feasible: true,
    },
    ...{ rung: 0, cohort: null, isFinal: true, rungScores: [] },
    ...{ paidEvaluations: 6, paidFlops: 1e13, deviceSeconds: 105 },
    ...{ createdAt: "2026-01-02T03:04:05.000Z", finishedAt: null },
    ...changes,
  };
}
