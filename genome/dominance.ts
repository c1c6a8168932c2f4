// Non-dominated ranking and crowding, all objectives minimised.
//
// Ranking: efficient non-dominated sort (Zhang et al. 2015, doi:10.1109/TEVC.2014.2308305): points in lexicographic
// order, each put by binary search into the first front that does not dominate it. With up to three objectives a
// front is searched by its staircase in the last two, which makes the whole O(n log^2 n); above, by comparison.

/** a is nowhere worse than b, and somewhere better. */
export function dominates(a: readonly number[], b: readonly number[]): boolean {
  let better = false;
  for (let i = 0; i < a.length; i++) {
    if (a[i]! > b[i]!) return false;
    if (a[i]! < b[i]!) better = true;
  }
  return better;
}

/**
 * Share of b's points that some point of a equals or dominates, in [0, 1]; 0 where b is empty. The coverage of two sets,
 * C(a, b), of Zitzler & Thiele 1999, doi:10.1109/4235.797969.
 */
export function coverageOf(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number {
  const covered = b.filter((point) => a.some((other) => other.every((value, i) => value <= point[i]!)));
  return b.length === 0 ? 0 : covered.length / b.length;
}

/** Rank of each point: 0 for the non-dominated ones, 1 for those only dominated by rank 0, and so on. Equal points share a rank. */
export function rankByDominance(points: readonly (readonly number[])[]): number[] {
  if (points.length === 0) return [];
  const objectives = assertFinite(points);
  const ranks = new Array<number>(points.length).fill(0);
  const order = lexicographicOrder(points);
  const fronts: Front[] = [];
  order.forEach((index, place) => {
    const point = points[index]!;
    const previous = order[place - 1];
    if (previous !== undefined && compareLexicographically(points[previous]!, point) === 0) {
      ranks[index] = ranks[previous]!;
      return;
    }
    const rank = firstFrontNotDominating(fronts, point);
    if (rank === fronts.length) fronts.push(objectives <= 3 ? new Staircase(objectives) : new PlainFront());
    fronts[rank]!.add(point);
    ranks[index] = rank;
  });
  return ranks;
}

/** Indices of the points that no other dominates, rising; equal points are all kept. O(n log n + n x front). */
export function nonDominated(points: readonly (readonly number[])[]): number[] {
  if (points.length === 0) return [];
  assertFinite(points);
  const front: (readonly number[])[] = [];
  const kept: number[] = [];
  let previous: { point: readonly number[]; isKept: boolean } | null = null;
  for (const index of lexicographicOrder(points)) {
    const point = points[index]!;
    if (previous === null || compareLexicographically(previous.point, point) !== 0) {
      // Whatever dominates it comes before it in this order.
      const by = front.findIndex((member) => dominates(member, point));
      if (by < 0) front.push(point);
      // A member that dominates one point dominates many: the next point meets it first.
      else [front[0], front[by]] = [front[by]!, front[0]!];
      previous = { point, isKept: by < 0 };
    }
    if (previous.isKept) kept.push(index);
  }
  return kept.sort((a, b) => a - b);
}

/**
 * Crowding distance of each point of one front (Deb et al. 2002, NSGA-II): the sum over objectives of the gap between its
 * neighbours, as a share of the front's extent; Infinity at the ends of an objective.
 */
export function crowdingDistances(points: readonly (readonly number[])[]): number[] {
  const distances = new Array<number>(points.length).fill(0);
  if (points.length === 0) return distances;
  const objectives = assertFinite(points);
  for (let objective = 0; objective < objectives; objective++) {
    const order = points
      .map((_, index) => index)
      .sort((a, b) => points[a]![objective]! - points[b]![objective]! || a - b);
    const lowest = points[order[0]!]![objective]!;
    const extent = points[order.at(-1)!]![objective]! - lowest;
    distances[order[0]!] = Number.POSITIVE_INFINITY;
    distances[order.at(-1)!] = Number.POSITIVE_INFINITY;
    if (extent === 0) continue;
    for (let i = 1; i < order.length - 1; i++) {
      const gap = points[order[i + 1]!]![objective]! - points[order[i - 1]!]![objective]!;
      distances[order[i]!]! += gap / extent;
    }
  }
  return distances;
}

interface Front {
  /** Whether a member dominates the point, which comes later in lexicographic order and equals no member. */
  dominates(point: readonly number[]): boolean;
  add(point: readonly number[]): void;
}

/** The front's lower left edge in the last two of at most three objectives; the order settles the first. */
class Staircase implements Front {
  readonly #xs: number[] = []; // rising
  readonly #ys: number[] = []; // falling
  readonly #objectives: number;

  constructor(objectives: number) {
    this.#objectives = objectives;
  }

  dominates(point: readonly number[]): boolean {
    const [x, y] = this.#project(point);
    const steps = countUpTo(this.#xs, x);
    return steps > 0 && this.#ys[steps - 1]! <= y;
  }

  add(point: readonly number[]): void {
    const [x, y] = this.#project(point);
    const start = countBelow(this.#xs, x);
    let end = start;
    while (end < this.#ys.length && this.#ys[end]! >= y) end++;
    this.#xs.splice(start, end - start, x);
    this.#ys.splice(start, end - start, y);
  }

  #project(point: readonly number[]): [number, number] {
    if (this.#objectives === 3) return [point[1]!, point[2]!];
    return [0, this.#objectives === 2 ? point[1]! : 0];
  }
}

class PlainFront implements Front {
  readonly #members: (readonly number[])[] = [];

  dominates(point: readonly number[]): boolean {
    for (let i = this.#members.length - 1; i >= 0; i--) if (this.#isNowhereWorse(this.#members[i]!, point)) return true;
    return false;
  }

  add(point: readonly number[]): void {
    this.#members.push(point);
  }

  /** The order settles the first objective, and that the two are not equal. */
  #isNowhereWorse(member: readonly number[], point: readonly number[]): boolean {
    for (let i = 1; i < point.length; i++) if (member[i]! > point[i]!) return false;
    return true;
  }
}

/** What dominates a member of a front is dominated by every earlier front, so the fronts are searched by halving. */
function firstFrontNotDominating(fronts: readonly Front[], point: readonly number[]): number {
  let low = 0;
  let high = fronts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fronts[middle]!.dominates(point)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function lexicographicOrder(points: readonly (readonly number[])[]): number[] {
  return points.map((_, index) => index).sort((a, b) => compareLexicographically(points[a]!, points[b]!) || a - b);
}

function compareLexicographically(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? -1 : 1;
  return 0;
}

/** How many leading elements of a rising list are at most `value`. */
function countUpTo(rising: readonly number[], value: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many leading elements of a rising list are below `value`. */
export function countBelow(rising: readonly number[], value: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rising[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function assertFinite(points: readonly (readonly number[])[]): number {
  const objectives = points[0]!.length;
  points.forEach((point, index) => {
    if (point.length === objectives && point.every(Number.isFinite)) return;
    throw new RangeError(`point ${index} is [${point.join(", ")}]: ${objectives} finite objectives are needed`);
  });
  return objectives;
}
