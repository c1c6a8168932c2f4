// The shapes of every answer and of every query, written once: routes validate with them, OpenAPI is made from them,
// the dashboard and the command line take their types from them.
import { z } from "zod";
import { profileNames, searchConfig } from "../../genome/space.ts";

export const searchStates = ["queued", "running", "paused", "stopping", "completed", "cancelled", "failed"] as const;
export const evaluationStates = ["waiting", "running", "complete", "pruned", "failed", "cancelled"] as const;
export const failureReasons = ["oom", "timeout", "invalid", "worker-lost", "internal"] as const;
export const outcomes = ["scored", "diverged"] as const;

const date = z.iso.datetime();
const id = z.string().min(1).max(64);

export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string(),
  /** JSON pointers into the request, for 422. */
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  requestId: z.string().optional(),
});

const objectiveValue = z.object({
  name: z.string(),
  direction: z.enum(["minimize", "maximize"]),
  limit: z.number().nullable(),
});

export const searchCounts = z.object({
  waiting: z.number().int(),
  running: z.number().int(),
  complete: z.number().int(),
  pruned: z.number().int(),
  failed: z.number().int(),
  cancelled: z.number().int(),
});

export const searchSummary = z.object({
  id,
  name: z.string(),
  state: z.enum(searchStates),
  /** Why a search failed or ended early, a sentence. */
  reason: z.string().nullable(),
  profile: z.string(),
  algorithm: z.string(),
  objectives: z.array(objectiveValue),
  budget: z.object({
    candidates: z.number().int(),
    evaluations: z.number().int().nullable(),
    wallSeconds: z.number().nullable(),
    deviceSeconds: z.number().nullable(),
    flops: z.number().nullable(),
  }),
  /** Of each budget, set or not. Evaluations and FLOPs count from the moment they are proposed. */
  spent: z.object({
    candidates: z.number().int(),
    evaluations: z.number().int(),
    wallSeconds: z.number(),
    deviceSeconds: z.number(),
    flops: z.number(),
  }),
  /** Candidates by state; known designs are counted in `knownDesigns` only. */
  candidates: searchCounts,
  knownDesigns: z.number().int(),
  /** Best value of each objective so far among complete candidates. */
  best: z.record(z.string(), z.number().nullable()),
  hypervolume: z.number().nullable(),
  createdAt: date,
  startedAt: date.nullable(),
  finishedAt: date.nullable(),
});

export const search = searchSummary.extend({
  config: searchConfig,
  generation: z.number().int(),
  evaluations: searchCounts,
  /** Evaluations whose result was taken over from an equal one, of this search or another. */
  reused: z.number().int(),
  failuresByReason: z.record(z.string(), z.number().int()),
  referencePoint: z.record(z.string(), z.number()).nullable(),
  elapsedSeconds: z.number(),
  candidatesPerHour: z.number().nullable(),
  etaSeconds: z.number().nullable(),
});

export const candidate = z.object({
  id,
  searchId: id,
  /** Running number inside the search; known designs and proposals share one count. */
  number: z.number().int(),
  generation: z.number().int(),
  genome: z.string(),
  genomeHash: z.string(),
  knownDesign: z.string().nullable(),
  state: z.enum(evaluationStates),
  outcome: z.enum(outcomes).nullable(),
  reason: z.enum(failureReasons).nullable(),
  message: z.string().nullable(),
  parents: z.array(z.number().int()),
  /** What made it: sampled, crossover, attraction, mutation, known-design, warm-start. */
  variation: z.record(z.string(), z.unknown()),
  parameters: z.number(),
  stateBytes: z.number(),
  flopsPerToken: z.number(),
  score: z.number().nullable(),
  taskScores: z.record(z.string(), z.number()),
  /** Milliseconds of a training step, the mean over its evaluations. */
  stepMs: z.number().nullable(),
  /** The rung it is on, from 0; those that are decided on together have one cohort. */
  rung: z.number().int(),
  cohort: z.number().int().nullable(),
  /** Its rung is its last: the full training. */
  isFinal: z.boolean(),
  /** Score on each rung before its last one that it has finished. */
  rungScores: z.array(z.number()),
  feasible: z.boolean(),
  /** Evaluations trained or to be trained for it; a result taken over from an equal one is free. */
  paidEvaluations: z.number().int(),
  /** Their FLOPs, each as if nothing stopped it early. */
  paidFlops: z.number(),
  /** Seconds that its evaluations have held a worker's slot, lost and failed attempts included. */
  deviceSeconds: z.number(),
  createdAt: date,
  finishedAt: date.nullable(),
});

export const curvePoint = z.object({
  step: z.number().int(),
  trainLoss: z.number().nullable(),
  testLoss: z.number().nullable(),
  testAccuracy: z.number().nullable(),
});

export const evaluation = z.object({
  id,
  candidateId: id,
  /** Of the candidate, for which it was trained. */
  rung: z.number().int(),
  task: z.string(),
  /** The setting as data: vocabulary, length, examples ... */
  setting: z.record(z.string(), z.unknown()),
  state: z.enum(evaluationStates),
  outcome: z.enum(outcomes).nullable(),
  reason: z.enum(failureReasons).nullable(),
  message: z.string().nullable(),
  score: z.number().nullable(),
  metrics: z.record(z.string(), z.unknown()),
  curve: z.array(curvePoint),
  attempt: z.number().int(),
  workerId: z.string().nullable(),
  engine: z.string().nullable(),
  trainSeconds: z.number().nullable(),
  /** Milliseconds of a training step, as its worker measured them. */
  stepMs: z.number().nullable(),
  /** Floating-point operations of a training that nothing stops early. */
  flops: z.number(),
  /** Seconds that attempts which have ended held a worker's slot. */
  deviceSeconds: z.number(),
  /** The evaluation whose result was taken over, so that an equal one is never trained twice. */
  reusedFrom: z.string().nullable(),
  createdAt: date,
  startedAt: date.nullable(),
  finishedAt: date.nullable(),
});

export const candidateDetail = candidate.extend({
  segments: z.array(z.record(z.string(), z.unknown())),
  /** The sizes for which the costs are counted. */
  shape: z.object({ width: z.number().int(), length: z.number().int() }),
  /** Cost of each position. */
  costs: z.array(
    z.object({
      operator: z.string(),
      parameters: z.number(),
      stateBytes: z.number(),
      flopsPerToken: z.number(),
    }),
  ),
  children: z.array(z.number().int()),
  evaluations: z.array(evaluation),
});

export const front = z.object({
  objectives: z.array(objectiveValue),
  /** Non-dominated feasible candidates, known designs included and marked. */
  front: z.array(candidate),
  /** Known designs, whether on the front or not. */
  knownDesigns: z.array(candidate),
});

export const hypervolume = z.object({
  referencePoint: z.record(z.string(), z.number()).nullable(),
  /** Value after each told candidate, in order. */
  points: z.array(z.object({ number: z.number().int(), at: date, trainSeconds: z.number(), hypervolume: z.number() })),
});

export const comparison = z.object({
  /** Those that all of the searches have. */
  objectives: z.array(objectiveValue),
  /** The worst of the searches' own reference points, objective by objective. */
  referencePoint: z.record(z.string(), z.number()),
  /** Settings that the searches do not agree in, though an objective's meaning depends on them. */
  differences: z.array(z.string()),
  searches: z.array(
    z.object({
      id,
      name: z.string(),
      state: z.enum(searchStates),
      /** Of the front below, as a share of the box between the ideal and the reference point. */
      hypervolume: z.number(),
      /** Share of each other search's front that this one's equals or dominates, by the other's id. */
      covers: z.record(z.string(), z.number()),
      front: z.array(
        z.object({
          number: z.number().int(),
          genome: z.string(),
          knownDesign: z.string().nullable(),
          values: z.record(z.string(), z.number()),
          /** Searches whose front has a point that dominates this one. */
          dominatedBy: z.array(id),
        }),
      ),
    }),
  ),
});

export const operatorInfo = z.object({
  name: z.string(),
  liv: z.number().int(),
  title: z.string(),
  mixes: z.enum(["sequence", "channel"]),
  paper: z.object({ title: z.string(), arxiv: z.string() }),
  options: z.record(z.string(), z.array(z.union([z.number(), z.string(), z.boolean()]))),
  defaults: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
});

export const worker = z.object({
  id,
  host: z.string(),
  pid: z.number().int(),
  engine: z.string(),
  concurrency: z.number().int(),
  state: z.enum(["online", "draining", "offline"]),
  /** Evaluations it holds a lease on. */
  running: z.array(id),
  startedAt: date,
  heartbeatAt: date,
});

export const event = z.object({
  id: z.number().int(),
  type: z.string(),
  searchId: z.string().nullable(),
  data: z.record(z.string(), z.unknown()),
  at: date,
});

export const exportedGenome = z.object({
  format: z.literal("starling-genome"),
  version: z.literal(1),
  genome: z.string(),
  hash: z.string(),
  segments: z.array(z.record(z.string(), z.unknown())),
  shape: z.object({ width: z.number().int(), length: z.number().int() }),
  costs: z.object({
    parameters: z.number(),
    stateBytes: z.number(),
    flopsPerToken: z.number(),
    contextLength: z.number(),
  }),
  score: z.number().nullable(),
  taskScores: z.record(z.string(), z.number()),
  provenance: z.object({
    searchId: z.string(),
    searchName: z.string(),
    candidate: z.number().int(),
    seed: z.number().int(),
    profile: z.string(),
    recipe: z.string(),
  }),
});

export const session = z.object({
  authenticated: z.literal(true),
  /** Name of the API key. */
  name: z.string(),
  through: z.enum(["header", "cookie"]),
  /** Null where the key itself was sent. */
  expiresAt: date.nullable(),
});

export const checkedGenome = z.object({
  /** Canonical text form. */
  genome: z.string(),
  /** Equal for all genomes that mean the same model. */
  hash: z.string(),
  segments: z.array(z.record(z.string(), z.unknown())),
  shape: z.object({ width: z.number().int(), length: z.number().int() }),
  contextLength: z.number().int(),
  /** Of the whole genome. */
  costs: z.object({ parameters: z.number(), stateBytes: z.number(), flopsPerToken: z.number() }),
  /** Of each position. */
  positions: candidateDetail.shape.costs,
});

export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });

// What a request may say.

export const signIn = z.strictObject({ apiKey: z.string().min(1).max(200) });

export const genomeToCheck = z.strictObject({
  /** Text form, or JSON form (`{ "segments": [...] }`). */
  genome: z.union([z.string().min(1).max(20_000), z.looseObject({ segments: z.unknown() })]),
  /** Gives width and length where they are not given. */
  profile: z.enum(profileNames).default("smoke"),
  width: z.number().int().min(8).max(4096).optional(),
  length: z.number().int().min(1).max(1_048_576).optional(),
  /** Tokens at which state bytes are quoted. */
  contextLength: z.number().int().min(1).max(10_000_000).default(4096),
});

/** Several values with commas between them. */
const listOf = <T extends string>(values: readonly T[]) =>
  z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(z.enum(values as readonly [T, ...T[]])).max(values.length));

const paging = {
  /** `nextCursor` of the page before. */
  cursor: z.string().min(1).max(500).optional(),
  limit: z.coerce.number<string>().int().min(1).max(200).default(50),
};

export const candidateSorts = ["number", "score", "parameters", "stateBytes", "flopsPerToken", "stepMs"] as const;

export const searchesQuery = z.strictObject({ ...paging, state: listOf(searchStates).optional() });

export const candidatesQuery = z.strictObject({
  ...paging,
  state: listOf(evaluationStates).optional(),
  /** Descending with a minus before it. Candidates without the value come last either way. */
  sort: z.enum([...candidateSorts, ...candidateSorts.map((name) => `-${name}` as const)]).default("number"),
});

export const eventsQuery = z.strictObject({
  /** Only events of this search. */
  searchId: id.optional(),
  /** Begin after this event; the header `Last-Event-ID` goes before it. Without either, from now on. */
  after: z.coerce.number<string>().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
});

export const idempotencyHeaders = z.looseObject({
  /** Repeating the request with the same key and body gives the same search. */
  "idempotency-key": z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, "1 to 255 visible ASCII characters")
    .optional(),
});

// Ids are made here and are never paths; what does not look like one is not found.
const searchId = z.string().regex(/^[0-9a-z]{1,64}$/);
export const searchPath = z.object({ id: searchId });

export const comparisonQuery = z.strictObject({
  /** Two to eight searches with commas between them. */
  ids: z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(searchId).min(2).max(8))
    .refine((ids) => new Set(ids).size === ids.length, "a search is named twice"),
});
export const candidatePath = searchPath.extend({
  number: z
    .string()
    .regex(/^(0|[1-9]\d{0,8})$/)
    .transform(Number),
});

export type Problem = z.infer<typeof problem>;
export type SearchSummary = z.infer<typeof searchSummary>;
export type Search = z.infer<typeof search>;
export type Candidate = z.infer<typeof candidate>;
export type CandidateDetail = z.infer<typeof candidateDetail>;
export type Evaluation = z.infer<typeof evaluation>;
export type CurvePoint = z.infer<typeof curvePoint>;
export type Front = z.infer<typeof front>;
export type Comparison = z.infer<typeof comparison>;
export type Hypervolume = z.infer<typeof hypervolume>;
export type OperatorInfo = z.infer<typeof operatorInfo>;
export type WorkerInfo = z.infer<typeof worker>;
export type SearchEvent = z.infer<typeof event>;
export type ExportedGenome = z.infer<typeof exportedGenome>;
export type Session = z.infer<typeof session>;
export type CheckedGenome = z.infer<typeof checkedGenome>;
export type Page<T> = { items: T[]; nextCursor: string | null };
