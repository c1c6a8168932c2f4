// SearchConfig: everything a person can ask of a search, with its defaults. The API's schema is this schema.
import { z } from "zod";
import { knownDesignNames } from "./known-designs.ts";
import { operatorNames } from "./palette/index.ts";

export const taskNames = [
  "in-context-recall",
  "fuzzy-in-context-recall",
  "noisy-in-context-recall",
  "selective-copying",
  "compression",
  "memorization",
] as const;
export type TaskName = (typeof taskNames)[number];

export const profileNames = ["smoke", "fast", "baseline", "full"] as const;
export type ProfileName = (typeof profileNames)[number];

export type TaskObjective = `score:${TaskName}`;
export type ObjectiveName = "score" | "parameters" | "stateBytes" | "flopsPerToken" | "stepMs" | TaskObjective;

/**
 * What can be optimised, with the direction a person expects; `score:TASK` is the score of one task, `stepMs` the
 * milliseconds of a training step as the worker measured them. Inside `genome` everything is minimised.
 */
export const objectiveDirections = {
  score: "maximize",
  parameters: "minimize",
  stateBytes: "minimize",
  flopsPerToken: "minimize",
  stepMs: "minimize",
  "score:in-context-recall": "maximize",
  "score:fuzzy-in-context-recall": "maximize",
  "score:noisy-in-context-recall": "maximize",
  "score:selective-copying": "maximize",
  "score:compression": "maximize",
  "score:memorization": "maximize",
} as const satisfies Record<ObjectiveName, "maximize" | "minimize">;
const objectiveNames = Object.keys(objectiveDirections) as [ObjectiveName, ...ObjectiveName[]];

const objective = z.strictObject({
  name: z.enum(objectiveNames),
  /** Candidates beyond the limit are infeasible and rank after every feasible one. In the objective's own direction. */
  limit: z.number().finite().optional(),
});

const space = z
  .strictObject({
    /** Number of positions (LIVs); the most, where `minDepth` is less. */
    depth: z.number().int().min(1).max(64).default(4),
    /** Evolution may go down to so many positions; null keeps the depth. */
    minDepth: z.number().int().min(1).max(64).nullable().default(null),
    /** Model width D; null takes the profile's. */
    width: z.number().int().min(8).max(4096).nullable().default(null),
    /** Operators that evolution may use. */
    operators: z.array(z.enum(operatorNames)).min(1).default(operatorNames),
    /** `free`: any operator anywhere. `pairs`: sequence mixer and channel mixer in turn. */
    layout: z.enum(["free", "pairs"]).default("free"),
    /** Whether positions may share featurizer weights and features, as in STAR. */
    sharing: z.boolean().default(true),
    /**
     * How willingly each position mutates: a factor on the mutation rate, 0 for a position that never mutates. Repeated
     * from its start where it is shorter than the depth; null means 1 everywhere.
     */
    mutability: z.array(z.number().min(0).max(64)).min(1).max(64).nullable().default(null),
    /** Tokens at which state bytes are quoted. */
    contextLength: z.number().int().min(1).max(10_000_000).default(4096),
  })
  .refine(({ depth, minDepth }) => minDepth === null || minDepth <= depth, {
    path: ["minDepth"],
    error: "is more than the depth",
  });

const population = z.number().int().min(2).max(1000).default(16);
/** Probability per gene; null changes one or two genes of a child, whatever its depth. */
const mutationRate = z.number().min(0).max(1).nullable();
/** Probability that a whole motif is copied, swapped, repeated, inserted or cut out before the genes mutate. */
const motifRate = z.number().min(0).max(1).default(0.1);
const crossoverPoints = z.number().int().min(1).max(16).default(2);
/** A generation has this many children fewer than the population; its best parents always stay. */
const elitism = z.number().int().min(0).max(100).default(2);
const tournament = z.number().int().min(2).max(20).default(3);
/**
 * Candidates that may be proposed and not yet told, so that many workers are busy. In a deterministic search a candidate
 * knows the results of all but the last so many before it.
 */
const inFlight = z.number().int().min(1).max(1000).default(16);

const nsga2 = z.strictObject({
  name: z.literal("nsga2"),
  population,
  mutationRate: mutationRate.default(0.1),
  motifRate: motifRate.default(0),
  crossoverPoints,
  elitism,
  tournament,
});

const nsga2SteadyState = z.strictObject({
  name: z.literal("nsga2-steady-state"),
  population,
  mutationRate: mutationRate.default(null),
  motifRate,
  crossoverPoints,
  tournament,
  inFlight,
});

const regularizedEvolution = z.strictObject({
  name: z.literal("regularized-evolution"),
  population: population.default(32),
  /** Members drawn at random, of which the fittest is the parent. */
  sample: z.number().int().min(1).max(1000).default(8),
  mutationRate: mutationRate.default(null),
  motifRate,
  inFlight,
});

const nsga3 = z.strictObject({
  name: z.literal("nsga3"),
  population,
  mutationRate: mutationRate.default(null),
  motifRate,
  crossoverPoints,
  elitism,
  /** Shares in which the reference directions divide the objectives; null takes the most that the population can fill. */
  divisions: z.number().int().min(1).max(100).nullable().default(null),
});

/** What a MAP-Elites cell is made of: costs on a logarithmic scale, and the share of softmax attention in eighths. */
export const descriptorNames = ["stateBytes", "parameters", "flopsPerToken", "attentionShare"] as const;
export type DescriptorName = (typeof descriptorNames)[number];

const mapElites = z.strictObject({
  name: z.literal("map-elites"),
  descriptors: z.array(z.enum(descriptorNames)).min(1).max(4).default(["stateBytes", "attentionShare"]),
  /** Cells from a cost to twice the cost. */
  binsPerOctave: z.number().int().min(1).max(32).default(1),
  /** Random genomes before the first child. */
  founders: z.number().int().min(1).max(1000).default(32),
  mutationRate: mutationRate.default(null),
  motifRate,
  crossoverPoints,
  inFlight,
});

const firefly = z.strictObject({
  name: z.literal("firefly"),
  population,
  mutationRate: mutationRate.default(null),
  motifRate,
  /** How fast attraction falls with distance: exp(-absorption r^2), r the share of positions that differ. */
  absorption: z.number().min(0).max(100).default(3),
});

const surrogate = z.strictObject({
  name: z.literal("surrogate"),
  population,
  /** Random genomes before the first prediction. */
  founders: z.number().int().min(1).max(1000).default(16),
  /** Children that are bred and predicted for each one that is trained. */
  mutants: z.number().int().min(1).max(1000).default(64),
  mutationRate: mutationRate.default(null),
  motifRate,
  crossoverPoints,
  tournament,
  inFlight,
});

const random = z.strictObject({ name: z.literal("random") });

/** What a search may spend; null means no limit. The first that is used up ends it. */
const limits = {
  /** Candidates proposed by the algorithm; the known designs come on top. */
  candidates: z.number().int().min(1).max(1_000_000),
  /**
   * Evaluations trained, known designs included. A candidate is proposed only where all of its evaluations fit. A result
   * taken over from an equal evaluation is free; another attempt after a lost worker is no other evaluation.
   */
  evaluations: z.number().int().min(1).max(100_000_000).nullable(),
  /** The search stops handing out work after this many seconds; pauses do not count. */
  wallSeconds: z.number().positive().max(31_536_000).nullable(),
  /**
   * Seconds that evaluations hold a worker's slot, lost and failed attempts included. Known only afterwards: nothing is
   * handed out once the seconds used and those predicted for what runs leave no room for it.
   */
  deviceSeconds: z.number().positive().max(1e12).nullable(),
  /** Floating-point operations of the evaluations, each counted as if nothing stopped it early. */
  flops: z.number().positive().max(1e30).nullable(),
};

/** Most evaluations of the search that run at once; null means as many as there are workers. */
const concurrency = z.number().int().min(1).max(100_000).nullable();

/** What may change while a search runs; what is left out stays. */
export const searchChanges = z.strictObject({
  budget: z.strictObject(limits).partial().optional(),
  concurrency: concurrency.optional(),
});
export type SearchChanges = z.output<typeof searchChanges>;

const fidelity = z.strictObject({
  /** Efforts before the full one, the smallest first. */
  rungs: z
    .array(
      z.strictObject({
        /** Share of the profile's training. */
        steps: z.number().gt(0).max(1).default(1),
        /** Null means all of the search's. */
        tasks: z.array(z.enum(taskNames)).min(1).nullable().default(null),
      }),
    )
    .min(1)
    .max(8),
  /** One in this many goes on to the next rung. */
  eta: z.number().gt(1).max(100).default(3),
  /** Most candidates that are decided on together in deterministic mode. */
  cohort: z.number().int().min(2).max(64).default(16),
});

export const searchConfig = z.strictObject({
  name: z.string().trim().min(1).max(120).default("untitled"),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  objectives: z
    .array(objective)
    .min(1)
    .max(4)
    .refine((list) => new Set(list.map((o) => o.name)).size === list.length, "an objective is named twice")
    .default([{ name: "score" }, { name: "parameters" }, { name: "stateBytes" }]),
  space: space.prefault({}),
  algorithm: z
    .discriminatedUnion("name", [
      nsga2,
      nsga2SteadyState,
      nsga3,
      regularizedEvolution,
      mapElites,
      firefly,
      surrogate,
      random,
    ])
    .prefault({ name: "nsga2" }),
  profile: z.enum(profileNames).default("smoke"),
  /** MAD tasks that make up the score; the mean of their scores is the objective `score`. */
  tasks: z
    .array(z.enum(taskNames))
    .min(1)
    .default([...taskNames]),
  recipe: z.enum(["mad-2024", "mad-strict"]).default("mad-2024"),
  budget: z
    .strictObject({
      candidates: limits.candidates.default(64),
      evaluations: limits.evaluations.default(null),
      wallSeconds: limits.wallSeconds.default(null),
      deviceSeconds: limits.deviceSeconds.default(null),
      flops: limits.flops.default(null),
    })
    .prefault({}),
  concurrency: concurrency.default(null),
  /** Successive halving: weak candidates are stopped after a part of their training. Null trains all in full. */
  fidelity: fidelity.nullable().default(null),
  /** Yardstick architectures, evaluated first and drawn in every plot. */
  knownDesigns: z.array(z.enum(knownDesignNames)).default(knownDesignNames),
  /** Genomes (text form) that join the first population. */
  warmStart: z.array(z.string().min(1).max(4000)).max(1000).default([]),
  /** Results are told in candidate order, so the same seed gives the same candidates whatever the workers do. */
  deterministic: z.boolean().default(true),
  evaluation: z
    .strictObject({
      /** Seconds until a training run is killed; null means five times the predicted cost, at least 60. */
      timeoutSeconds: z.number().positive().max(604_800).nullable().default(null),
      /** Resident memory in MiB until a training run is killed; null means the worker's own limit. */
      memoryMb: z.number().int().min(128).max(1_048_576).nullable().default(null),
    })
    .prefault({}),
});

/** As a person may write it: everything is optional. */
export type SearchConfigInput = z.input<typeof searchConfig>;
/** As it is stored: every default filled in. */
export type SearchConfig = z.output<typeof searchConfig>;
