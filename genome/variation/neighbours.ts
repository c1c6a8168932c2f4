// The genomes one change away: another operator at a position, or another value of one option.
import { canonicalGenome, genomeHash } from "../canonical.ts";
import { type Grammar, operatorsAt } from "../grammar.ts";
import { operatorOfClass, paletteEntry, resolveOptions } from "../palette/index.ts";
import type { Genome, OptionValue, Segment } from "../types.ts";
import { type Change, listChanges } from "./changes.ts";
import { repairGenome } from "./repair.ts";

export interface Neighbour {
  readonly genome: Genome;
  /** Against the given genome; more than one where repair had to follow. */
  readonly changes: readonly Change[];
}

/** Every different model that one gene and repair lead to, position by position. The genome is of the grammar. */
export function neighboursOf(genome: Genome, grammar: Grammar): Neighbour[] {
  const from = canonicalGenome(genome);
  const seen = new Set([genomeHash(from)]);
  const found: Neighbour[] = [];
  from.segments.forEach((segment, position) => {
    for (const changed of variantsOf(
      segment,
      operatorsAt(grammar, position).map((name) => paletteEntry(name).liv),
    )) {
      const neighbour = repairGenome({ segments: from.segments.with(position, changed) }, grammar);
      const hash = genomeHash(neighbour);
      if (seen.has(hash)) continue;
      seen.add(hash);
      found.push({ genome: neighbour, changes: listChanges(from, neighbour) });
    }
  });
  return found;
}

function variantsOf(segment: Segment, classes: readonly number[]): Segment[] {
  const operator = operatorOfClass(segment.liv)!;
  const options: Record<string, OptionValue> = { ...resolveOptions(operator, segment.options) };
  return [
    ...classes.filter((liv) => liv !== segment.liv).map((liv) => ({ ...segment, liv })),
    ...Object.entries(paletteEntry(operator).options).flatMap(([name, allowed]) =>
      allowed
        .filter((value) => value !== options[name])
        .map((value) => ({ ...segment, options: { ...options, [name]: value } })),
    ),
  ];
}
