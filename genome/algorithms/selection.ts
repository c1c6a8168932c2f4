// Who is fitter: feasible before infeasible before failed (Deb 2000's feasibility rules), then rank, then crowding.
import { crowdingDistances, rankByDominance } from "../dominance.ts";

export interface Fitness {
  readonly number: number;
  /** Finite, minimised; not read where the candidate failed or is infeasible. */
  readonly objectives: readonly number[];
  /** 0 is feasible. */
  readonly violation: number;
  readonly failed: boolean;
}

export interface Ranked {
  readonly number: number;
  readonly rank: number;
  readonly crowding: number;
}

/** Rank and crowding of each: feasible ones by dominance, then the infeasible by violation, then the failed. */
export function rankFitness(contenders: readonly Fitness[]): Ranked[] {
  const ranked = new Array<Ranked>(contenders.length);
  let worst = -1;
  const place = (indices: readonly number[], ranks: readonly number[], crowd: boolean) => {
    const offset = worst + 1;
    const distances = crowd ? crowdingByRank(contenders, indices, ranks) : indices.map(() => 0);
    indices.forEach((index, i) => {
      const rank = offset + ranks[i]!;
      worst = Math.max(worst, rank);
      ranked[index] = { number: contenders[index]!.number, rank, crowding: distances[i]! };
    });
  };
  const indices = contenders.map((_, index) => index);
  const feasible = indices.filter((i) => !contenders[i]!.failed && contenders[i]!.violation <= 0);
  const infeasible = indices.filter((i) => !contenders[i]!.failed && contenders[i]!.violation > 0);
  const failed = indices.filter((i) => contenders[i]!.failed);
  place(feasible, rankByDominance(feasible.map((i) => contenders[i]!.objectives)), true);
  place(infeasible, rankByDominance(infeasible.map((i) => [contenders[i]!.violation])), false);
  place(
    failed,
    failed.map(() => 0),
    false,
  );
  return ranked;
}

/** Fitter first; equally fit ones by number, the older first. */
function byFitness(a: Ranked, b: Ranked): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  if (a.crowding !== b.crowding) return a.crowding > b.crowding ? -1 : 1;
  return a.number - b.number;
}

/** The `count` fittest, in order of fitness, whatever the order in which they are given. */
export function selectSurvivors<Contender extends Fitness>(
  contenders: readonly Contender[],
  count: number,
): Contender[] {
  const sorted = [...contenders].sort((a, b) => a.number - b.number);
  const ranked = rankFitness(sorted);
  return sorted
    .map((contender, index) => ({ contender, ranked: ranked[index]! }))
    .sort((a, b) => byFitness(a.ranked, b.ranked))
    .slice(0, count)
    .map(({ contender }) => contender);
}

function crowdingByRank(
  contenders: readonly Fitness[],
  indices: readonly number[],
  ranks: readonly number[],
): number[] {
  const distances = new Array<number>(indices.length).fill(0);
  const fronts = new Map<number, number[]>();
  ranks.forEach((rank, i) => {
    const front = fronts.get(rank);
    if (front === undefined) fronts.set(rank, [i]);
    else front.push(i);
  });
  for (const front of fronts.values()) {
    const crowding = crowdingDistances(front.map((i) => contenders[indices[i]!]!.objectives));
    front.forEach((i, place) => {
      distances[i] = crowding[place]!;
    });
  }
  return distances;
}
