// NSGA-III's selection: fronts in order, and of the front that fits in part those whose directions are least taken.
//
// Deb & Jain 2014, doi:10.1109/TEVC.2013.2281535: reference points (section IV-B), normalisation by ideal point and
// intercepts (IV-C), association (IV-D), niching (IV-E). Where we differ: the ideal point is that of the contenders, not
// of the whole run, so a selection needs no memory; where the extreme points span no hyperplane, the nadir of the
// contenders takes its place.
import type { Random } from "../random.ts";
import { type Fitness, rankFitness } from "./selection.ts";

type Point = readonly number[];

/** Das & Dennis's points on the unit simplex: every way to give `divisions` equal shares to the objectives. */
export function simplexPoints(objectives: number, divisions: number): number[][] {
  if (objectives === 1) return [[1]];
  const shares = (left: number, places: number): number[][] =>
    places === 1
      ? [[left]]
      : Array.from({ length: left + 1 }, (_, first) =>
          shares(left - first, places - 1).map((rest) => [first, ...rest]),
        ).flat();
  return shares(divisions, objectives).map((point) => point.map((share) => share / divisions));
}

/** The most divisions that give no more reference points than `count`, at least one. */
export function divisionsFor(objectives: number, count: number): number {
  if (objectives === 1) return 1;
  let divisions = 1;
  while (simplexCount(objectives, divisions + 1) <= count) divisions++;
  return divisions;
}

/** The `count` next, the fitter first: feasible ones by front and niche, then the infeasible, then the failed. */
export function selectByNiches<Contender extends Fitness>(
  contenders: readonly Contender[],
  count: number,
  divisions: number | null,
  random: Random,
): Contender[] {
  const sorted = [...contenders].sort((a, b) => a.number - b.number);
  const ranks = rankFitness(sorted).map(({ rank }) => rank);
  const fronts = new Map<number, Contender[]>();
  sorted.forEach((contender, index) => {
    fronts.set(ranks[index]!, [...(fronts.get(ranks[index]!) ?? []), contender]);
  });
  const chosen: Contender[] = [];
  for (const rank of [...fronts.keys()].sort((a, b) => a - b)) {
    const front = fronts.get(rank)!;
    const room = count - chosen.length;
    if (front.length <= room) chosen.push(...front);
    else if (isFeasible(front[0]!))
      chosen.push(
        ...fillByNiches(chosen, front, room, divisions ?? divisionsFor(front[0]!.objectives.length, count), random),
      );
    else chosen.push(...front.slice(0, room));
    if (chosen.length === count) break;
  }
  return chosen;
}

function isFeasible({ failed, violation }: Fitness): boolean {
  return !failed && violation <= 0;
}

/** `room` members of the front, each for a direction that the fewest chosen ones and earlier picks have. */
function fillByNiches<Contender extends Fitness>(
  chosen: readonly Contender[],
  front: readonly Contender[],
  room: number,
  divisions: number,
  random: Random,
): Contender[] {
  const directions = simplexPoints(front[0]!.objectives.length, divisions);
  const points = normalize([...chosen, ...front].map(({ objectives }) => objectives));
  const nearest = points.map((point) => associate(point, directions));
  const taken = directions.map(() => 0);
  for (const { direction } of nearest.slice(0, chosen.length)) taken[direction]!++;

  const niches = new Map<number, { contender: Contender; distance: number }[]>();
  front.forEach((contender, index) => {
    const { direction, distance } = nearest[chosen.length + index]!;
    niches.set(direction, [...(niches.get(direction) ?? []), { contender, distance }]);
  });
  const picked: Contender[] = [];
  while (picked.length < room) {
    const least = Math.min(...[...niches.keys()].map((direction) => taken[direction]!));
    const direction = random.pick([...niches.keys()].filter((niche) => taken[niche] === least));
    const niche = niches.get(direction)!;
    const place = least === 0 ? indexOfNearest(niche) : random.integer(niche.length);
    picked.push(...niche.splice(place, 1).map(({ contender }) => contender));
    taken[direction]!++;
    if (niche.length === 0) niches.delete(direction);
  }
  return picked;
}

function indexOfNearest(niche: readonly { distance: number }[]): number {
  return niche.reduce((best, { distance }, index) => (distance < niche[best]!.distance ? index : best), 0);
}

/** The ideal point at 0, and the extreme points' intercepts at 1. */
export function normalize(points: readonly Point[]): number[][] {
  const axes = points[0]!.map((_, axis) => axis);
  const ideal = axes.map((axis) => Math.min(...points.map((point) => point[axis]!)));
  const moved = points.map((point) => point.map((value, axis) => value - ideal[axis]!));
  const nadir = axes.map((axis) => Math.max(...moved.map((point) => point[axis]!)));
  const intercepts = interceptsOf(axes.map((axis) => extremeAlong(moved, axis)));
  const isSound = intercepts?.every((value, axis) => Number.isFinite(value) && value > 1e-9 * nadir[axis]!);
  const extents = (isSound ? intercepts! : nadir).map((extent) => extent || 1);
  return moved.map((point) => point.map((value, axis) => value / extents[axis]!));
}

/** The point with the least achievement scalarising function towards an axis (eq. 4). */
function extremeAlong(points: readonly Point[], axis: number): Point {
  const scalarised = (point: Point) => Math.max(...point.map((value, other) => (other === axis ? value : value * 1e6)));
  return points.reduce((best, point) => (scalarised(point) < scalarised(best) ? point : best));
}

/** Where the hyperplane through the points meets each axis; null where they span none. */
function interceptsOf(points: readonly Point[]): number[] | null {
  const rows = points.map((point) => [...point, 1]);
  const size = rows.length;
  for (let column = 0; column < size; column++) {
    const pivot = rows
      .slice(column)
      .reduce((best, row) => (Math.abs(row[column]!) > Math.abs(best[column]!) ? row : best));
    if (Math.abs(pivot[column]!) < 1e-12) return null;
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(column, 0, pivot);
    rows.forEach((row, index) => {
      if (index === column) return;
      const factor = row[column]! / pivot[column]!;
      for (let i = column; i <= size; i++) row[i]! -= factor * pivot[i]!;
    });
  }
  return rows.map((row, axis) => row[axis]! / row[size]!);
}

/** The direction whose line through the ideal point is nearest, and how far it is. */
function associate(point: Point, directions: readonly Point[]): { direction: number; distance: number } {
  let best = { direction: 0, distance: Number.POSITIVE_INFINITY };
  directions.forEach((direction, index) => {
    const along = dot(point, direction) / dot(direction, direction);
    const distance = Math.hypot(...point.map((value, axis) => value - along * direction[axis]!));
    if (distance < best.distance) best = { direction: index, distance };
  });
  return best;
}

function dot(a: Point, b: Point): number {
  return a.reduce((sum, value, axis) => sum + value * b[axis]!, 0);
}

/** Binomial(divisions + objectives - 1, divisions). */
function simplexCount(objectives: number, divisions: number): number {
  let count = 1;
  for (let i = 1; i < objectives; i++) count = (count * (divisions + i)) / i;
  return Math.round(count);
}
