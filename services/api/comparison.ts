// Several searches side by side: their fronts in the objectives they share, measured from one reference point.
import {
  coverageOf,
  dominates,
  nonDominated,
  type Objectives,
  referencePoint,
  relativeHypervolume,
  shapeOfSearch,
  toMinimized,
} from "../../genome/index.ts";
import { AppError } from "../platform/errors.ts";
import type { Candidate, Search } from "../platform/store/types.ts";
import type { Comparison } from "./schemas.ts";
import { namedPoint, objectivesOf } from "./search-answers.ts";

export interface Contender {
  readonly search: Search;
  /** The search's own front. */
  readonly front: readonly Candidate[];
}

/**
 * The reference point is, objective by objective, the worst of the searches' own, so every front lies in one box.
 * @throws PARAMETER_INVALID where the searches share no objective.
 */
export function compareSearches(contenders: readonly Contender[]): Comparison {
  const objectives = sharedObjectives(contenders);
  const reference = commonReference(contenders, objectives);
  const fronts = contenders.map(({ front }) => project(front, objectives));
  return {
    objectives: objectivesOf({ objectives }),
    referencePoint: namedPoint(objectives, reference),
    differences: differencesOf(contenders.map(({ search }) => search)),
    searches: contenders.map(({ search: { id, name, state } }, index) => {
      const { points, candidates } = fronts[index]!;
      const others = contenders.flatMap(({ search }, other) =>
        other === index ? [] : [{ id: search.id, points: fronts[other]!.points }],
      );
      return {
        ...{ id, name, state, hypervolume: relativeHypervolume(points, reference) },
        covers: Object.fromEntries(others.map((other) => [other.id, coverageOf(points, other.points)])),
        front: candidates.map(({ number, genome, knownDesign }, i) => ({
          ...{ number, genome, knownDesign, values: namedPoint(objectives, points[i]!) },
          dominatedBy: others.filter((other) => other.points.some((p) => dominates(p, points[i]!))).map(({ id }) => id),
        })),
      };
    }),
  };
}

/** In the first search's order. Limits are each search's own business: its front keeps them already. */
function sharedObjectives(contenders: readonly Contender[]): Objectives {
  const lists = contenders.map(({ search }) => search.config.objectives.map(({ name }) => name));
  const shared = lists[0]!.filter((name) => lists.every((list) => list.includes(name)));
  if (shared.length === 0) {
    const each = lists.map((list, i) => `${contenders[i]!.search.id}: ${list.join(", ")}`);
    throw new AppError("PARAMETER_INVALID", `the searches share no objective (${each.join("; ")})`);
  }
  return shared.map((name) => ({ name }));
}

function commonReference(contenders: readonly Contender[], objectives: Objectives): number[] {
  const own = contenders.map(({ search: { config } }) => {
    const point = referencePoint(config.objectives, shapeOfSearch(config), config.space.contextLength);
    return objectives.map(({ name }) => point[config.objectives.findIndex((objective) => objective.name === name)]!);
  });
  return objectives.map((_, i) => Math.max(...own.map((point) => point[i]!)));
}

/** What nothing dominates in fewer objectives is on the front in all of them, or equals something there. */
function project(front: readonly Candidate[], objectives: Objectives) {
  const points = front.map((candidate) => toMinimized(objectives, candidate));
  const kept = nonDominated(points);
  return { points: kept.map((i) => points[i]!), candidates: kept.map((i) => front[i]!) };
}

/** Settings that give an objective another meaning, where the searches do not agree in them. */
function differencesOf(searches: readonly Search[]): string[] {
  const meanings = {
    profile: ({ config }: Search) => config.profile,
    recipe: ({ config }: Search) => config.recipe,
    tasks: ({ config }: Search) => [...config.tasks].sort(),
    "space.width": ({ config }: Search) => shapeOfSearch(config).width,
    "space.contextLength": ({ config }: Search) => config.space.contextLength,
  };
  return Object.entries(meanings).flatMap(([setting, read]) =>
    new Set(searches.map((search) => JSON.stringify(read(search)))).size > 1 ? [setting] : [],
  );
}
