// What made a genome, in a form that a person and a replay can read.
import type { Genome, OptionValue, Segment } from "../types.ts";
import type { Motif } from "./motifs.ts";

export type VariationKind = "sampled" | "warm-start" | "crossover" | "attraction" | "mutation";

/** One gene that differs from the first parent's. */
export interface Change {
  /** Position, counted from 0. */
  readonly position: number;
  /** `liv`, a group or strategy, or an option's name. */
  readonly gene: string;
  /** null where the gene is absent: an option at its default, or a position that only one of the genomes has. */
  readonly from: OptionValue | null;
  readonly to: OptionValue | null;
}

export interface Variation {
  readonly kind: VariationKind;
  /** The motif that was moved before genes mutated; absent where none was. */
  readonly motif?: Motif;
  /** Numbers of the parent candidates. */
  readonly parents: readonly number[];
  /** Against the first parent; empty without parents. */
  readonly changes: readonly Change[];
}

/** The genes that differ, position by position. */
export function listChanges(from: Genome, to: Genome): Change[] {
  const positions = Math.max(from.segments.length, to.segments.length);
  return Array.from({ length: positions }, (_, position) => {
    const before = genesOf(from.segments[position]);
    const after = genesOf(to.segments[position]);
    const genes = new Set([...before.keys(), ...after.keys()]);
    return [...genes]
      .filter((gene) => before.get(gene) !== after.get(gene))
      .map((gene) => ({ position, gene, from: before.get(gene) ?? null, to: after.get(gene) ?? null }));
  }).flat();
}

function genesOf(segment: Segment | undefined): Map<string, OptionValue> {
  const { options, ...integers } = segment ?? {};
  return new Map<string, OptionValue>([...Object.entries(integers), ...Object.entries(options ?? {})]);
}
