import type { Random } from "../random.ts";
import type { Genome } from "../types.ts";

/**
 * k-point crossover aligned on positions: the child takes its first segments from `a`, and changes parent at each of
 * `points` cuts drawn between the positions that both have (fewer where they are too short). Where one parent is longer,
 * the child's length is that of the parent that its last segments come from.
 */
export function crossGenomes(a: Genome, b: Genome, points: number, random: Random): Genome {
  const common = Math.min(a.segments.length, b.segments.length);
  const places = Array.from({ length: common - 1 }, (_, i) => i + 1);
  const cuts = new Set(random.shuffle(places).slice(0, points));
  let fromA = true;
  const shared = a.segments.slice(0, common).map((segment, position) => {
    if (cuts.has(position)) fromA = !fromA;
    return fromA ? segment : b.segments[position]!;
  });
  return { segments: [...shared, ...(fromA ? a : b).segments.slice(common)] };
}
