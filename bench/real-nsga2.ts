// NSGA-II on vectors in [0, 1], as its paper has it, with the selection left open.
//
// Deb, Pratap, Agarwal, Meyarivan 2002, doi:10.1109/4235.996017: crossover (SBX) with probability 0.9, mutation
// (polynomial) of one variable in the mean, both with distribution index 20, binary tournaments.
import { Random } from "../genome/index.ts";
import type { Problem } from "./problems.ts";

/** Indices of the `count` fittest points, the fittest first. */
export type Selection = (points: readonly (readonly number[])[], count: number) => readonly number[];

export interface Run {
  readonly seed: number;
  readonly population: number;
  readonly evaluations: number;
}

/** The objectives of the last population. */
export function evolve(problem: Problem, select: Selection, { seed, population, evaluations }: Run): number[][] {
  const random = new Random(`${seed}/real`);
  const born = (x: number[]) => ({ x, point: problem.evaluate(x) });
  const survive = (all: readonly ReturnType<typeof born>[]) =>
    select(
      all.map(({ point }) => point),
      population,
    ).map((index) => all[index]!);

  const drawn = Array.from({ length: problem.variables }, () => 0);
  let parents = survive(Array.from({ length: population }, () => born(drawn.map(() => random.uniform()))));
  for (let spent = population; spent + population <= evaluations; spent += population) {
    const pick = () => parents[Math.min(random.integer(population), random.integer(population))]!.x;
    const children = Array.from({ length: population / 2 }, () => cross(pick(), pick(), random)).flat();
    parents = survive([...parents, ...children.map((child) => born(mutate(child, random)))]);
  }
  return parents.map(({ point }) => point);
}

const index = 20;

/** Simulated binary crossover within [0, 1] (Deb and Agrawal 1995): two children around two parents. */
function cross(a: readonly number[], b: readonly number[], random: Random): number[][] {
  const children = [[...a], [...b]];
  if (!random.chance(0.9)) return children;
  a.forEach((_, i) => {
    const [low, high] = [Math.min(a[i]!, b[i]!), Math.max(a[i]!, b[i]!)];
    if (random.chance(0.5) || high - low < 1e-14) return;
    const u = random.uniform();
    const spread = (room: number) => {
      const alpha = 2 - (1 + (2 * room) / (high - low)) ** -(index + 1);
      return (u <= 1 / alpha ? u * alpha : 1 / (2 - u * alpha)) ** (1 / (index + 1));
    };
    const near = [
      clip((low + high - spread(low) * (high - low)) / 2),
      clip((low + high + spread(1 - high) * (high - low)) / 2),
    ];
    const swapped = random.chance(0.5);
    children[0]![i] = near[swapped ? 1 : 0]!;
    children[1]![i] = near[swapped ? 0 : 1]!;
  });
  return children;
}

/** Polynomial mutation within [0, 1] (Deb 2001). */
function mutate(x: readonly number[], random: Random): number[] {
  return x.map((value) => {
    if (!random.chance(1 / x.length)) return value;
    const u = random.uniform();
    const change =
      u < 0.5
        ? (2 * u + (1 - 2 * u) * (1 - value) ** (index + 1)) ** (1 / (index + 1)) - 1
        : 1 - (2 * (1 - u) + 2 * (u - 0.5) * value ** (index + 1)) ** (1 / (index + 1));
    return clip(value + change);
  });
}

const clip = (value: number) => Math.min(1, Math.max(0, value));

/** The paper's own selection, point by point: its fast non-dominated sort and its crowding distance. */
export const textbookSelection: Selection = (points, count) => {
  const dominated = points.map((): number[] => []);
  const dominators = points.map(() => 0);
  for (let i = 0; i < points.length; i++) {
    for (let j = 0; j < points.length; j++) {
      if (!dominates(points[i]!, points[j]!)) continue;
      dominated[i]!.push(j);
      dominators[j]! += 1;
    }
  }
  const chosen: number[] = [];
  let front = points.flatMap((_, i) => (dominators[i] === 0 ? [i] : []));
  while (chosen.length < count) {
    const crowding = crowdingOf(front, points);
    chosen.push(...front.sort((a, b) => crowding.get(b)! - crowding.get(a)!));
    const next: number[] = [];
    for (const i of front) {
      for (const j of dominated[i]!) {
        dominators[j]! -= 1;
        if (dominators[j] === 0) next.push(j);
      }
    }
    front = next;
  }
  return chosen.slice(0, count);
};

function dominates(p: readonly number[], q: readonly number[]): boolean {
  let isBetter = false;
  for (let m = 0; m < p.length; m++) {
    if (p[m]! > q[m]!) return false;
    if (p[m]! < q[m]!) isBetter = true;
  }
  return isBetter;
}

function crowdingOf(front: readonly number[], points: readonly (readonly number[])[]): Map<number, number> {
  const distances = new Map(front.map((i) => [i, 0]));
  for (let m = 0; m < points[0]!.length; m++) {
    const sorted = [...front].sort((a, b) => points[a]![m]! - points[b]![m]!);
    const extent = points[sorted.at(-1)!]![m]! - points[sorted[0]!]![m]!;
    sorted.forEach((i, place) => {
      const [before, after] = [sorted[place - 1], sorted[place + 1]];
      const gap =
        before === undefined || after === undefined ? Infinity : (points[after]![m]! - points[before]![m]!) / extent;
      distances.set(i, distances.get(i)! + gap);
    });
  }
  return distances;
}
