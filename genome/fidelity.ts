// Successive halving for several objectives: who goes on to the next rung.
//
// Candidates are ranked by non-dominated rank and crowding over what is known so far: the score after a part of the
// training and the exact costs. Cohorts (deterministic) are halved as in Jamieson & Talwalkar 2016, arXiv:1502.07943:
// the best 1/eta go on. One by one it is the stopping form of ASHA (Li et al. 2020, arXiv:1810.05934) with the ranking of
// MO-ASHA (Schmucker et al. 2021, arXiv:2106.12639): who is in the best 1/eta of all that came to the rung so far goes on.
import { selectSurvivors } from "./algorithms/selection.ts";
import { objectiveValue, toMinimized } from "./objectives.ts";
import type { SearchConfig } from "./space.ts";
import type { Costs } from "./types.ts";

export interface Contender {
  readonly number: number;
  /** Minimised. */
  readonly point: readonly number[];
}

/** What a search with rungs remembers, as plain JSON. */
export interface RungMemory {
  /** The last cohort, which may still grow; null before the first. */
  readonly open: { readonly cohort: number; readonly size: number; readonly generation: number } | null;
  /** By rung: minimised points of the last candidates that came to it, where they are decided on one by one. */
  readonly seen: readonly (readonly (readonly number[])[])[];
}

export const noRungs: RungMemory = { open: null, seen: [] };

/** Error on the rung, then the exact costs among the objectives, all minimised. */
export function rungPoint({ objectives }: Pick<SearchConfig, "objectives">, rungScore: number, costs: Costs): number[] {
  const exact = objectives.filter(({ name }) => objectiveValue(name, exactly(costs)) !== null);
  return [1 - rungScore, ...toMinimized(exact, exactly(costs))];
}

/** Without what a candidate may carry besides its costs. */
function exactly({ parameters, stateBytes, flopsPerToken }: Costs): Costs {
  return { parameters, stateBytes, flopsPerToken };
}

/** Numbers in order of fitness, the best first; of equals the older. */
export function rankContenders(contenders: readonly Contender[]): number[] {
  const fitness = contenders.map(({ number, point }) => ({ number, objectives: point, violation: 0, failed: false }));
  return selectSurvivors(fitness, fitness.length).map(({ number }) => number);
}

/** How many of a cohort go on: at least one. */
export function promotedOf(cohort: number, eta: number): number {
  return Math.ceil(cohort / eta);
}

/**
 * How a stopped candidate is told to an algorithm: as one that misses the limits by next to nothing, so that it ranks
 * after all that were trained in full and before all that break a limit or failed; a later rung first, then a better score.
 */
export function stoppedViolation(rungsLeft: number, rungScore: number): number {
  return 1e-9 * (rungsLeft + 1 - rungScore);
}
