// Exact hypervolume, all objectives minimised: the volume that the points dominate within the reference point.
//
// 2-D: a sweep. 3-D: a sweep along the third objective over a staircase of the first two, O(n log n) but for array
// moves (Beume et al. 2009, doi:10.1109/TEVC.2009.2015575). From 4-D: slices along the last objective, each grown by the
// newest point's exclusive part (WFG: While, Bradstreet, Barone 2012, doi:10.1109/TEVC.2010.2077298), ending in 3-D
// sweeps of points that are in order already: O(n^2 log n) in 4-D.
import { countBelow } from "./dominance.ts";

type Point = readonly number[];

/** Points that are not below the reference point in every objective dominate nothing. */
export function hypervolume(points: readonly Point[], reference: Point): number {
  if (reference.length === 0 || !reference.every(Number.isFinite)) {
    throw new RangeError(`reference point [${reference.join(", ")}] must be finite`);
  }
  const inside = points.filter((point) => {
    if (point.length !== reference.length || point.some(Number.isNaN)) {
      throw new RangeError(`point [${point.join(", ")}] is not ${reference.length} numbers`);
    }
    return point.every((value, objective) => value < reference[objective]!);
  });
  const last = reference.length - 1;
  return measure(
    inside.sort((a, b) => a[last]! - b[last]!),
    reference,
  );
}

/** The points rise in their last objective. */
function measure(points: readonly Point[], reference: Point): number {
  if (points.length === 0) return 0;
  if (reference.length === 1) return reference[0]! - points[0]![0]!;
  if (reference.length === 2) return measurePlane(points, reference);
  if (reference.length === 3) return measureSpace(points, reference);
  return measureSlices(points, reference);
}

function measurePlane(points: readonly Point[], reference: Point): number {
  let area = 0;
  let leftmost = reference[0]!;
  for (const point of points) {
    if (point[0]! >= leftmost) continue;
    area += (leftmost - point[0]!) * (reference[1]! - point[1]!);
    leftmost = point[0]!;
  }
  return area;
}

function measureSpace(points: readonly Point[], reference: Point): number {
  const edge = new Edge(reference[0]!, reference[1]!);
  let volume = 0;
  let area = 0;
  let depth = points[0]![2]!;
  for (const point of points) {
    volume += area * (point[2]! - depth);
    depth = point[2]!;
    area += edge.add(point[0]!, point[1]!);
  }
  return volume + area * (reference[2]! - depth);
}

/**
 * From one value of the last objective to the next the cross-section stays; at a point it grows by what the point's
 * shadow dominates alone: its box, less what the others dominate of it.
 */
function measureSlices(points: readonly Point[], reference: Point): number {
  const last = reference.length - 1;
  const limits = reference.slice(0, last);
  let shadows: Point[] = []; // none covers another; rising in their last objective
  let volume = 0;
  let section = 0;
  let depth = points[0]![last]!;
  for (const point of points) {
    volume += section * (point[last]! - depth);
    depth = point[last]!;
    const shadow = point.slice(0, last);
    if (shadows.some((other) => covers(other, shadow))) continue;
    const box = shadow.reduce((product, value, i) => product * (limits[i]! - value), 1);
    const inside = shadows.map((other) => other.map((value, i) => Math.max(value, shadow[i]!)));
    section += box - measure(inside, limits);
    shadows = shadows.filter((other) => !covers(shadow, other));
    const place = shadows.findIndex((other) => other[last - 1]! > shadow[last - 1]!);
    shadows.splice(place < 0 ? shadows.length : place, 0, shadow);
  }
  return volume + section * (reference[last]! - depth);
}

/** a is nowhere worse than b. */
function covers(a: Point, b: Point): boolean {
  for (let i = 0; i < a.length; i++) if (a[i]! > b[i]!) return false;
  return true;
}

/** The lower left edge of the dominated area in a plane, from left to right and falling. */
class Edge {
  readonly #xs: number[] = [];
  readonly #ys: number[] = [];
  readonly #limitX: number;
  readonly #limitY: number;

  constructor(limitX: number, limitY: number) {
    this.#limitX = limitX;
    this.#limitY = limitY;
  }

  /** Adds a point and returns by how much the dominated area grew. */
  add(x: number, y: number): number {
    const start = countBelow(this.#xs, x);
    let roof = start === 0 ? this.#limitY : this.#ys[start - 1]!;
    if (roof <= y || (this.#xs[start] === x && this.#ys[start]! <= y)) return 0;
    let gain = 0;
    let left = x;
    let end = start;
    for (; end < this.#xs.length && this.#ys[end]! >= y; end++) {
      gain += (this.#xs[end]! - left) * (roof - y);
      left = this.#xs[end]!;
      roof = this.#ys[end]!;
    }
    gain += ((this.#xs[end] ?? this.#limitX) - left) * (roof - y);
    this.#xs.splice(start, end - start, x);
    this.#ys.splice(start, end - start, y);
    return gain;
  }
}
