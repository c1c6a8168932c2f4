// Moves of motifs: runs of neighbouring positions that are copied, swapped, repeated, inserted or cut out as a whole.
//
// STAR (arXiv:2411.17800) finds that good architectures repeat motifs; a gene-by-gene mutation needs many lucky steps to
// repeat one. In the layout `pairs` a motif is made of whole pairs, so that every position keeps its kind. A copy keeps
// its sharing genes: where the original shares, the copy shares with it.
import { type Grammar, leastDepth } from "../grammar.ts";
import type { Random } from "../random.ts";
import type { Genome, Segment } from "../types.ts";

/** Positions count from 0. */
export interface Motif {
  readonly move: MotifMove;
  /** First position of the motif in the genome before the move. */
  readonly from: number;
  /** Where it went: the first position of the copy, of the other motif, or of the first repetition. */
  readonly to: number;
  /** Positions of the motif. */
  readonly length: number;
}

export type MotifMove = "copy" | "swap" | "stripe" | "insert" | "delete";

interface Move {
  /** Whether it has room in a genome of `units` that may have `least` to `most`. */
  fits(units: number, least: number, most: number): boolean;
  /** Start, length and place, all in units. */
  draw(units: number, most: number, random: Random): { from: number; length: number; to: number };
  apply(segments: readonly Segment[], motif: Omit<Motif, "move">): Segment[];
}

const moves: Readonly<Record<MotifMove, Move>> = {
  /** Overwrites another place, which the original may overlap. */
  copy: {
    fits: (units) => units >= 2,
    draw(units, _, random) {
      const length = lengthUpTo(units >> 1, random);
      const from = random.integer(units - length + 1);
      const places = Array.from({ length: units - length + 1 }, (_, place) => place).filter((place) => place !== from);
      return { from, length, to: random.pick(places) };
    },
    apply: (segments, { from, to, length }) =>
      segments.map((segment, i) => (i >= to && i < to + length ? segments[i - to + from]! : segment)),
  },

  /** Exchanges two motifs that do not overlap. */
  swap: {
    fits: (units) => units >= 2,
    draw(units, _, random) {
      const length = lengthUpTo(units >> 1, random);
      const from = random.integer(units - 2 * length + 1);
      const gap = random.integer(units - 2 * length - from + 1);
      return { from, length, to: from + length + gap };
    },
    apply: (segments, { from, to, length }) =>
      segments.map((segment, i) => {
        if (i >= from && i < from + length) return segments[i - from + to]!;
        return i >= to && i < to + length ? segments[i - to + from]! : segment;
      }),
  },

  /** Repeats the motif from its own end to the end of the genome. */
  stripe: {
    fits: (units) => units >= 2,
    draw(units, _, random) {
      const length = lengthUpTo(units >> 1, random);
      const from = random.integer(units - 2 * length + 1);
      return { from, length, to: from + length };
    },
    apply: (segments, { from, length }) =>
      segments.map((segment, i) => (i < from ? segment : segments[from + ((i - from) % length)]!)),
  },

  /** Puts a copy between two positions, or at an end; the genome grows. */
  insert: {
    fits: (units, _, most) => units < most,
    draw(units, most, random) {
      const length = lengthUpTo(Math.min(units, most - units, Math.max(1, units >> 1)), random);
      return { from: random.integer(units - length + 1), length, to: random.integer(units + 1) };
    },
    apply: (segments, { from, to, length }) => [
      ...segments.slice(0, to),
      ...segments.slice(from, from + length),
      ...segments.slice(to),
    ],
  },

  /** Cuts the motif out; the genome shrinks. */
  delete: {
    fits: (units, least) => units > least,
    draw(units, _, random) {
      const from = random.integer(units);
      return { from, length: 1, to: from };
    },
    apply: (segments, { from, length }) => [...segments.slice(0, from), ...segments.slice(from + length)],
  },
};

export const motifMoves = Object.keys(moves) as MotifMove[];

/**
 * The genome after one move drawn at random among those that the grammar's depth leaves room for, or null where there is
 * none. The result may need repair. `genome` is of the grammar.
 */
export function moveMotif(
  { segments }: Genome,
  grammar: Grammar,
  random: Random,
): { genome: Genome; motif: Motif } | null {
  const unit = grammar.layout === "pairs" ? 2 : 1;
  const units = Math.floor(segments.length / unit);
  const least = Math.max(1, Math.ceil((leastDepth(grammar) - (segments.length % unit)) / unit));
  const most = Math.floor((grammar.depth - (segments.length % unit)) / unit);
  const possible = motifMoves.filter((name) => units > 0 && moves[name].fits(units, least, most));
  if (possible.length === 0) return null;
  const move = random.pick(possible);
  const drawn = moves[move].draw(units, most, random);
  const motif = { from: unit * drawn.from, to: unit * drawn.to, length: unit * drawn.length };
  return { genome: { segments: moves[move].apply(segments, motif) }, motif: { move, ...motif } };
}

function lengthUpTo(most: number, random: Random): number {
  return 1 + random.integer(most);
}
