// What the store takes and gives: plain objects, times as ISO strings in UTC, absence as null.
import type { KnownGenomes } from "../../../genome/algorithms/types.ts";
import type { ObjectiveName, SearchConfig } from "../../../genome/space.ts";

export type SearchState = "queued" | "running" | "paused" | "stopping" | "completed" | "cancelled" | "failed";
export type EvaluationState = "waiting" | "running" | "complete" | "pruned" | "failed" | "cancelled";
export type Outcome = "scored" | "diverged";
export type FailureReason = "oom" | "timeout" | "invalid" | "worker-lost" | "internal";
export type Counts = Record<EvaluationState, number>;
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface Page<T> {
  readonly items: T[];
  /** Pass it back to get what follows; null at the end. */
  readonly nextCursor: string | null;
}

// Searches

export interface Search {
  readonly id: string;
  readonly name: string;
  readonly state: SearchState;
  readonly reason: string | null;
  readonly config: SearchConfig;
  readonly generation: number;
  /** Candidates that count against the budget: all but the known designs. */
  readonly proposed: number;
  /** Candidates whose results the algorithm has seen. */
  readonly told: number;
  readonly referencePoint: Record<string, number> | null;
  readonly hypervolume: number | null;
  /** Seconds spent running or stopping, by the database's clock; pauses do not count. */
  readonly elapsedSeconds: number;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

export interface NewSearch {
  readonly config: SearchConfig;
  readonly algorithmState: unknown;
  readonly apiKeyId: string;
  /** The client's key, and the SHA-256 of its request. */
  readonly idempotency?: { readonly key: string; readonly digest: string } | null;
}

export interface SearchProgress {
  /** By state, without known designs. */
  readonly candidates: Counts;
  readonly knownDesigns: number;
  /** Of all candidates, known designs included. */
  readonly evaluations: Counts;
  /** Evaluations whose result was taken over from an equal one, of this search or another. */
  readonly reused: number;
  readonly failuresByReason: Partial<Record<FailureReason, number>>;
  /** Among complete, feasible candidates without the known designs: highest score, lowest costs. */
  readonly best: Record<ObjectiveName, number | null>;
  /** Training paid for so far; results taken over from equal evaluations cost nothing. */
  readonly trainSeconds: number;
  /** Known designs included. */
  readonly spent: Spending & { readonly deviceSeconds: number };
}

/** What evaluations take of a search's budget, from the moment they are proposed. */
export interface Spending {
  /** Trained or to be trained: those whose result was taken over, or that were cancelled before they began, are free. */
  readonly evaluations: number;
  /** Theirs, each in full. */
  readonly flops: number;
}

export interface HypervolumePoint {
  readonly number: number;
  readonly at: string;
  /** Training paid for by this and all candidates told before. */
  readonly trainSeconds: number;
  readonly hypervolume: number;
}

// Candidates

/** What a result carries to the algorithm, and what the front is computed from. */
export interface CandidateResult {
  readonly id: string;
  readonly number: number;
  readonly generation: number;
  readonly genome: string;
  readonly genomeHash: string;
  readonly knownDesign: string | null;
  readonly state: EvaluationState;
  readonly outcome: Outcome | null;
  readonly reason: FailureReason | null;
  readonly parameters: number;
  readonly stateBytes: number;
  readonly flopsPerToken: number;
  readonly feasible: boolean;
  /** Mean of the task scores; null unless complete. */
  readonly score: number | null;
  readonly taskScores: Record<string, number>;
  /** Milliseconds of a training step, the mean over its evaluations; null unless complete. */
  readonly stepMs: number | null;
  /** The rung it is on, from 0; those that are decided on together have one cohort. */
  readonly rung: number;
  readonly cohort: number | null;
  /** Its rung is its last: the full training. */
  readonly isFinal: boolean;
  /** Score on each rung before its last one that it has finished. */
  readonly rungScores: number[];
}

/** Columns that candidates can be sorted by. */
export type CandidateSort = "number" | "score" | "parameters" | "stateBytes" | "flopsPerToken" | "stepMs";

export interface Candidate extends CandidateResult {
  readonly searchId: string;
  readonly message: string | null;
  /** Numbers of candidates of the same search. */
  readonly parents: number[];
  readonly variation: JsonObject;
  /** Paid for by this candidate: results taken over from equal evaluations do not count. */
  readonly trainSeconds: number;
  /** Evaluations trained or to be trained for this candidate, and their FLOPs. */
  readonly paidEvaluations: number;
  readonly paidFlops: number;
  /** Seconds that its evaluations have held a worker's slot, lost and failed attempts included. */
  readonly deviceSeconds: number;
  /** Place in the order in which results were told to the algorithm. */
  readonly toldOrder: number | null;
  /** Of the front once this candidate had been told. */
  readonly hypervolume: number | null;
  readonly createdAt: string;
  readonly finishedAt: string | null;
}

export interface CandidateDetail extends Candidate {
  readonly children: number[];
  readonly evaluations: Evaluation[];
}

export interface CandidateQuery {
  readonly states?: readonly EvaluationState[];
  /** Default `number`. Candidates without the value come last. */
  readonly sort?: CandidateSort;
  readonly order?: "ascending" | "descending";
  readonly cursor?: string | null;
  readonly limit: number;
}

// Advancing a search

/** What `decide` sees, all of one moment and under the search's lock. */
export interface AdvanceView {
  readonly search: Search;
  /** As the last advance left it, or as the search was created. */
  readonly algorithmState: unknown;
  /**
   * Finished candidates that the algorithm has not seen. In deterministic mode up to the first unfinished one, by
   * number; else all, in order of finishing. Every one of them is told by this advance.
   */
  readonly results: readonly CandidateResult[];
  /** Genomes of every candidate but the known designs. */
  readonly known: KnownGenomes;
  /** Unfinished candidates that are not on their last rung, by number. Those with a score on their rung wait for a decision. */
  readonly inRungs: readonly CandidateResult[];
  /** Candidates still waiting or running. */
  readonly unfinished: { readonly waiting: number; readonly running: number };
  /** Number the next proposed candidate will get. */
  readonly nextNumber: number;
  /** How many candidates may be proposed now (known designs do not count): 0 unless the search is running. */
  readonly remaining: number;
  /** What the evaluations of all proposals together may take, known designs included; Infinity where no limit is set. */
  readonly allowance: Spending;
}

export interface Proposal {
  readonly genome: string;
  readonly genomeHash: string;
  readonly knownDesign?: string | null;
  readonly generation: number;
  readonly parents: readonly number[];
  readonly variation: JsonObject;
  readonly parameters: number;
  readonly stateBytes: number;
  readonly flopsPerToken: number;
  readonly feasible: boolean;
  /** Why it is not trained (a limit is broken, its costs are dominated ...); it is finished at once, as pruned. */
  readonly pruned?: string | null;
  /** False where it begins on a rung that is not its last. */
  readonly isFinal?: boolean;
  readonly cohort?: number | null;
  /** Of its first rung; empty for a pruned candidate only. */
  readonly evaluations: readonly ProposedEvaluation[];
}

/** A candidate goes on to a rung. */
export interface Promotion {
  readonly number: number;
  readonly rung: number;
  readonly isFinal: boolean;
  /** Place of the first of them among the candidate's evaluations. */
  readonly firstPosition: number;
  readonly evaluations: readonly ProposedEvaluation[];
}

export interface ProposedEvaluation {
  readonly task: string;
  readonly setting: JsonObject;
  readonly resultKey: string;
  readonly seed: number;
  /** Of a training that nothing stops early. */
  readonly flops: number;
}

export interface Advance {
  readonly algorithmState: unknown;
  readonly proposals: readonly Proposal[];
  readonly promotions?: readonly Promotion[];
  /** Candidates that go no further: pruned, with the reason. */
  readonly stopped?: readonly { readonly number: number; readonly message: string }[];
  readonly generation?: number;
  readonly referencePoint?: Record<string, number> | null;
  /** Of the front once each result had been told, by candidate number. */
  readonly hypervolumes?: ReadonlyMap<number, number>;
  /** Ends the search. */
  readonly end?: { readonly state: "completed" | "failed"; readonly reason: string | null };
}

export interface Advanced {
  readonly search: Search;
  /** New evaluations that wait for a worker; equal ones that were finished already are not among them. */
  readonly waiting: readonly string[];
  /** New candidates were finished at once (pruned, or every result taken over): advance again. */
  readonly again: boolean;
}

// Evaluations

export interface Evaluation {
  readonly id: string;
  readonly searchId: string;
  readonly candidateId: string;
  readonly position: number;
  /** Of the candidate, for which it was trained. */
  readonly rung: number;
  readonly task: string;
  readonly setting: JsonObject;
  readonly state: EvaluationState;
  readonly outcome: Outcome | null;
  readonly reason: FailureReason | null;
  readonly message: string | null;
  readonly score: number | null;
  readonly metrics: JsonObject;
  readonly curve: CurvePoint[];
  readonly attempt: number;
  readonly workerId: string | null;
  readonly engine: string | null;
  readonly trainSeconds: number | null;
  /** Milliseconds of a training step, as its worker measured them. */
  readonly stepMs: number | null;
  /** Of a training that nothing stops early. */
  readonly flops: number;
  /** Seconds that attempts which have ended held a worker's slot. */
  readonly deviceSeconds: number;
  readonly reusedFrom: string | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

export interface CurvePoint {
  readonly step: number;
  readonly trainLoss: number | null;
  readonly testLoss: number | null;
  readonly testAccuracy: number | null;
}

/** The right to work on an evaluation for a time. */
export interface Lease {
  readonly evaluationId: string;
  readonly workerId: string;
  /** From 1. */
  readonly attempt: number;
  readonly fence: number;
}

/** A lease with everything needed to run the evaluation. */
export interface LeasedEvaluation extends Lease {
  readonly searchId: string;
  readonly candidateId: string;
  readonly number: number;
  readonly genome: string;
  readonly genomeHash: string;
  readonly config: SearchConfig;
  readonly task: string;
  readonly setting: JsonObject;
  readonly resultKey: string;
  readonly seed: number;
  readonly expiresAt: string;
}

export interface EvaluationResult {
  readonly outcome: Outcome;
  /** In [0, 1]; the chance score where training diverged. */
  readonly score: number;
  readonly metrics: JsonObject;
  readonly curve: readonly CurvePoint[];
  readonly engine: string;
  readonly trainSeconds: number;
  readonly stepMs: number | null;
}

/** What a change of evaluations set off. */
export interface Settled {
  /** Searches with newly finished candidates: ring for their advance. */
  readonly searchIds: readonly string[];
  /** Evaluations that wait again, or for which there may be room now: ring for them. */
  readonly waiting: readonly string[];
}

export interface Swept extends Settled {
  readonly failed: readonly string[];
}

// Events, workers, keys, artifacts

export type EventType =
  | "search.created"
  | "search.changed"
  | "search.advanced"
  | "search.deleted"
  | "candidate.rested"
  | "candidate.finished"
  | "evaluation.started"
  | "evaluation.returned"
  | "evaluation.finished"
  | "worker.changed";

export interface Event {
  readonly id: number;
  readonly type: EventType;
  readonly searchId: string | null;
  readonly data: JsonObject;
  readonly at: string;
}

/** What was appended; null where some notices may have been missed (after a lost connection): read the list. */
export type EventNotice = Pick<Event, "id" | "type" | "searchId"> | null;

export interface WorkerRecord {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly engine: string;
  readonly concurrency: number;
  readonly state: "online" | "draining" | "offline";
  /** Evaluations it holds a lease on. */
  readonly running: string[];
  readonly startedAt: string;
  readonly heartbeatAt: string;
}

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
}

export interface Artifact {
  /** SHA-256 of the bytes, lower-case hexadecimal. */
  readonly id: string;
  readonly mediaType: string;
  readonly bytes: number;
  readonly createdAt: string;
}

/** For /metrics; over all searches that are not deleted. */
export interface ServiceCounts {
  readonly searches: Record<SearchState, number>;
  readonly candidates: Counts;
  readonly evaluations: Counts;
  readonly failures: Record<FailureReason, number>;
  readonly diverged: number;
  readonly reused: number;
  readonly trainSeconds: number;
  /** How long the oldest waiting evaluation of a running search has waited; 0 without any. */
  readonly oldestWaitingSeconds: number;
  readonly workers: Record<WorkerRecord["state"], number>;
}
