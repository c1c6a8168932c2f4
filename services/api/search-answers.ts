// What the store knows about searches, as the API tells it: rates, forecasts, best values.
import { fromMinimized, type Objectives } from "../../genome/objectives.ts";
import { objectiveDirections, type SearchConfig } from "../../genome/space.ts";
import type { Store } from "../platform/store/store.ts";
import type { SearchProgress, Search as StoredSearch } from "../platform/store/types.ts";
import type { Search, SearchSummary } from "./schemas.ts";

type ProgressStore = Pick<Store, "searchProgress">;

/** Two queries, however many searches. */
export async function summarizeSearches(
  store: ProgressStore,
  searches: readonly StoredSearch[],
): Promise<SearchSummary[]> {
  const progress = await store.searchProgress(searches.map(({ id }) => id));
  return searches.map((search) => summarize(search, progress.get(search.id)!));
}

export async function describeSearch(store: ProgressStore, search: StoredSearch): Promise<Search> {
  const progress = (await store.searchProgress([search.id])).get(search.id)!;
  const { config, generation, referencePoint, elapsedSeconds } = search;
  return {
    ...summarize(search, progress),
    config,
    generation,
    evaluations: progress.evaluations,
    reused: progress.reused,
    failuresByReason: { ...progress.failuresByReason },
    referencePoint,
    elapsedSeconds,
    ...forecast(search, progress),
  };
}

/** A minimised point in the objectives' own directions, by name. */
export function namedPoint(objectives: Objectives, point: readonly number[]): Record<string, number> {
  return Object.fromEntries(objectives.map(({ name }, i) => [name, fromMinimized(name, point[i]!)]));
}

export function objectivesOf({ objectives }: Pick<SearchConfig, "objectives">): SearchSummary["objectives"] {
  return objectives.map(({ name, limit }) => ({
    name,
    direction: objectiveDirections[name],
    limit: limit ?? null,
  }));
}

function summarize(search: StoredSearch, progress: SearchProgress): SearchSummary {
  const { id, name, state, reason, config, hypervolume, createdAt, startedAt, finishedAt } = search;
  const { proposed: candidates, elapsedSeconds: wallSeconds } = search;
  return {
    ...{ id, name, state, reason },
    profile: config.profile,
    algorithm: config.algorithm.name,
    objectives: objectivesOf(config),
    budget: config.budget,
    spent: { candidates, ...progress.spent, wallSeconds },
    candidates: progress.candidates,
    knownDesigns: progress.knownDesigns,
    best: Object.fromEntries(config.objectives.map((objective) => [objective.name, progress.best[objective.name]])),
    ...{ hypervolume, createdAt, startedAt, finishedAt },
  };
}

/**
 * Rate over the search's whole running time, and the time until the first of its budgets is used up at that rate.
 * Known designs are trained first, so they count in the rate as soon as a proposal has finished.
 */
export function forecast(
  { state, config: { budget }, elapsedSeconds }: Pick<StoredSearch, "state" | "config" | "elapsedSeconds">,
  { candidates, knownDesigns, spent }: Pick<SearchProgress, "candidates" | "knownDesigns" | "spent">,
): Pick<Search, "candidatesPerHour" | "etaSeconds"> {
  const finished = candidates.complete + candidates.pruned + candidates.failed + candidates.cancelled;
  if (finished === 0 || elapsedSeconds <= 0) return { candidatesPerHour: null, etaSeconds: null };
  const perSecond = (finished + knownDesigns) / elapsedSeconds;
  const isRunning = state === "running" || state === "stopping";
  const left = state === "stopping" ? candidates.running : Math.max(0, budget.candidates - finished);
  const until = (limit: number | null, used: number) =>
    limit === null || used === 0 ? Infinity : Math.max(0, (limit - used) * (elapsedSeconds / used));
  const ends = [
    left / perSecond,
    until(budget.wallSeconds, elapsedSeconds),
    until(budget.evaluations, spent.evaluations),
    until(budget.deviceSeconds, spent.deviceSeconds),
    until(budget.flops, spent.flops),
  ];
  return { candidatesPerHour: perSecond * 3600, etaSeconds: isRunning ? Math.min(...ends) : null };
}
