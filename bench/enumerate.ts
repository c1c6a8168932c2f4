// Every genome of a small grammar, by its options; nothing is shared.
import {
  type Genome,
  type Grammar,
  type Options,
  operatorsAt,
  paletteEntry,
  repairGenome,
  type Segment,
  unshared,
} from "../genome/index.ts";

export function* enumerateGenomes(grammar: Grammar): Generator<Genome> {
  const columns = Array.from({ length: grammar.depth }, (_, position) => segmentsAt(grammar, position));
  for (const segments of combinations(columns)) yield { segments };
}

/** Canonical, each once. */
function segmentsAt(grammar: Grammar, position: number): Segment[] {
  const segments = new Map<string, Segment>();
  for (const name of operatorsAt(grammar, position)) {
    const { liv, options: allowed, conflict } = paletteEntry(name);
    for (const values of combinations(Object.values(allowed))) {
      const options: Options = Object.fromEntries(Object.keys(allowed).map((option, i) => [option, values[i]!]));
      if (conflict(options, grammar.shape) !== null) continue;
      const groups = { featurizerGroup: 1, featurizerStrategy: unshared, featureGroup: 1, featureStrategy: unshared };
      const alone = { ...grammar, depth: 1, layout: "free" as const };
      const [segment] = repairGenome({ segments: [{ liv, ...groups, options }] }, alone).segments;
      segments.set(JSON.stringify(segment), segment!);
    }
  }
  return [...segments.values()];
}

function* combinations<Item>(columns: readonly (readonly Item[])[]): Generator<Item[]> {
  const [first, ...rest] = columns;
  if (first === undefined) yield [];
  else for (const item of first) for (const others of combinations(rest)) yield [item, ...others];
}
