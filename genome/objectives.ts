// The one place where objectives change direction: on the wire a score is maximised, inside `genome` everything is
// minimised and a score s becomes the error 1 - s.
import { genomeCosts } from "./costs.ts";
import { GenomeError } from "./errors.ts";
import { hypervolume } from "./hypervolume.ts";
import { knownDesigns } from "./known-designs.ts";
import { type ObjectiveName, objectiveDirections, type SearchConfig, type TaskObjective } from "./space.ts";
import { parseGenome } from "./text.ts";
import type { Costs, ModelShape } from "./types.ts";
import { fitGenome } from "./variation/repair.ts";

export type Objectives = SearchConfig["objectives"];

/** A candidate's values as people read them. */
export interface ObjectiveValues extends Costs {
  /** Scores are in [0, 1]. */
  readonly score: number | null;
  readonly taskScores: Readonly<Record<string, number>>;
  /** Milliseconds. */
  readonly stepMs: number | null;
}

/** One objective's value in its own direction; null where it is not known (yet). */
export function objectiveValue(name: ObjectiveName, values: Partial<ObjectiveValues>): number | null {
  if (isTaskObjective(name)) return values.taskScores?.[name.slice(taskPrefix.length)] ?? null;
  return values[name] ?? null;
}

/** The values in the order of the search's objectives, all to be minimised; NaN where one is not known. */
export function toMinimized(objectives: Objectives, values: Partial<ObjectiveValues>): number[] {
  return objectives.map(({ name }) => flip(name, objectiveValue(name, values) ?? Number.NaN));
}

/** Back to the objective's own direction. */
export function fromMinimized(name: ObjectiveName, value: number): number {
  return flip(name, value);
}

/**
 * How far values miss the limits: the sum of the excesses, each as a share of its limit. 0 where all are kept.
 * Values that are left out are not checked, so costs alone tell before any training whether a candidate can be feasible.
 */
export function violationOf(objectives: Objectives, values: Partial<ObjectiveValues>): number {
  let violation = 0;
  for (const { name, limit } of objectives) {
    const value = objectiveValue(name, values);
    if (limit === undefined || value === null) continue;
    const bound = flip(name, limit);
    const excess = Math.max(0, flip(name, value) - bound);
    violation += bound > 0 ? excess / bound : excess;
  }
  return violation;
}

/** Whether every limit is kept and every objective known: what may stand on a front. */
export function isComparable(objectives: Objectives, values: Partial<ObjectiveValues>): boolean {
  return violationOf(objectives, values) === 0 && toMinimized(objectives, values).every(Number.isFinite);
}

/**
 * The reference point of a search's hypervolume, minimised, fixed before anything is trained: an objective's limit if it
 * has one; else 1 for an error (a score of 0, the worst there is); else 1.1 x the worst cost of the known designs. Throws
 * GenomeError for `stepMs` without a limit: nobody knows before it is measured.
 */
export function referencePoint(objectives: Objectives, shape: ModelShape, contextLength: number): number[] {
  const costs = costsOfKnownDesigns(shape, contextLength);
  return objectives.map(({ name, limit }, index) => {
    if (limit !== undefined) return flip(name, limit);
    if (name === "stepMs") throw new GenomeError("stepMs needs a limit", `/objectives/${index}/limit`);
    if (name === "score" || isTaskObjective(name)) return 1;
    return 1.1 * Math.max(...costs.map((cost) => cost[name]));
  });
}

/**
 * Hypervolume of minimised points as a share of the box between 0, which nothing can beat, and the reference point:
 * in [0, 1], whatever the objectives' units.
 */
export function relativeHypervolume(points: readonly (readonly number[])[], reference: readonly number[]): number {
  if (reference.some((bound) => bound <= 0)) return 0;
  const scaled = points.map((point) => point.map((value, objective) => value / reference[objective]!));
  return hypervolume(
    scaled,
    reference.map(() => 1),
  );
}

/** Asked for at every advance of a search, always the same. */
const knownCosts = new Map<string, readonly Costs[]>();

function costsOfKnownDesigns(shape: ModelShape, contextLength: number): readonly Costs[] {
  const key = [shape.width, shape.length, contextLength].join();
  const known = knownCosts.get(key);
  if (known !== undefined) return known;
  const costs = Object.values(knownDesigns).map(({ genome }) =>
    genomeCosts(fitGenome(parseGenome(genome), shape), shape, contextLength),
  );
  knownCosts.set(key, costs);
  return costs;
}

const taskPrefix = "score:";

function isTaskObjective(name: ObjectiveName): name is TaskObjective {
  return name.startsWith(taskPrefix);
}

function flip(name: ObjectiveName, value: number): number {
  return objectiveDirections[name] === "maximize" ? 1 - value : value;
}
