import type { Random } from "../random.ts";
import type { Genome } from "../types.ts";

/**
 * k-point crossover aligned on positions: the child takes its first segments from `a`, and changes parent at each of
 * `points` cuts drawn between positions (fewer where the genome is too short). Both parents have the same depth.
 */
export function crossGenomes(a: Genome, b: Genome, points: number, random: Random): Genome {
  const places = Array.from({ length: a.segments.length - 1 }, (_, i) => i + 1);
  const cuts = new Set(random.shuffle(places).slice(0, points));
  let fromA = true;
  const segments = a.segments.map((segment, position) => {
    if (cuts.has(position)) fromA = !fromA;
    return fromA ? segment : b.segments[position]!;
  });
  return { segments };
}
