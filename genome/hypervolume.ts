// Exact hypervolume, all objectives minimised: the volume that the points dominate within the reference point.
//
// 2-D: a sweep. 3-D: a sweep along the third objective over a staircase of the first two, O(n log n) but for array
// moves (Beume et al. 2009, doi:10.1109/TEVC.2009.2015575). From 4-D: slices along the last objective (Knowles 2002's
// HSO, ending in the 3-D sweep), O(n^(d-3)) sweeps.
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
  return measure(inside, reference);
}

function measure(points: readonly Point[], reference: Point): number {
  if (points.length === 0) return 0;
  if (reference.length === 1) return reference[0]! - Math.min(...points.map((point) => point[0]!));
  if (reference.length === 2) return measurePlane(points, reference);
  if (reference.length === 3) return measureSpace(points, reference);
  return measureSlices(points, reference);
}

function measurePlane(points: readonly Point[], [limitX, limitY]: Point): number {
  let area = 0;
  let lowest = limitY!;
  for (const [x, y] of [...points].sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!)) {
    if (y! >= lowest) continue;
    area += (limitX! - x!) * (lowest - y!);
    lowest = y!;
  }
  return area;
}

function measureSpace(points: readonly Point[], [limitX, limitY, limitZ]: Point): number {
  const edge = new Edge(limitX!, limitY!);
  let volume = 0;
  let area = 0;
  let depth = limitZ!;
  for (const [x, y, z] of [...points].sort((a, b) => a[2]! - b[2]!)) {
    if (area > 0) volume += area * (z! - depth);
    depth = z!;
    area += edge.add(x!, y!);
  }
  return volume + area * (limitZ! - depth);
}

/** Between two neighbouring values of the last objective the cross-section is the same. */
function measureSlices(points: readonly Point[], reference: Point): number {
  const last = reference.length - 1;
  const sorted = [...points].sort((a, b) => a[last]! - b[last]!);
  const shadows: Point[] = [];
  let volume = 0;
  sorted.forEach((point, index) => {
    shadows.push(point.slice(0, last));
    const next = sorted[index + 1]?.[last] ?? reference[last]!;
    if (next > point[last]!) volume += (next - point[last]!) * measure(shadows, reference.slice(0, last));
  });
  return volume;
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
