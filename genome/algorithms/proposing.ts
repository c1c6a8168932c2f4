// What the algorithms share in making proposals: warm starts, and never proposing one genome twice.
import { genomeHash } from "../canonical.ts";
import { GenomeError } from "../errors.ts";
import { checkGrammar, type Grammar } from "../grammar.ts";
import type { Random } from "../random.ts";
import { formatGenome, parseGenome } from "../text.ts";
import type { Genome } from "../types.ts";
import { listChanges, type Variation } from "../variation/changes.ts";
import { repairGenome } from "../variation/repair.ts";
import { sampleGenome } from "../variation/sample.ts";
import type { AlgorithmName, Kept, KnownGenomes, Result, Setup } from "./types.ts";

/** A genome with what made it, before it has a number. */
export interface Draft {
  readonly genome: string;
  readonly hash: string;
  readonly variation: Variation;
}

export function draft(genome: Genome, variation: Variation): Draft {
  return { genome: formatGenome(genome), hash: genomeHash(genome), variation };
}

export function draftSample(grammar: Grammar, random: Random): Draft {
  return draft(sampleGenome(grammar, random), { kind: "sampled", parents: [], changes: [] });
}

/** The warm starts as drafts, each genome once. Throws where the grammar is empty or a genome cannot be read. */
export function draftWarmStarts({ grammar, warmStart }: Pick<Setup, "grammar" | "warmStart">): Draft[] {
  checkGrammar(grammar);
  const drafts = new Map<string, Draft>();
  warmStart.forEach((text, index) => {
    const made = draftWarmStart(text, index, grammar);
    if (!drafts.has(made.hash)) drafts.set(made.hash, made);
  });
  return [...drafts.values()];
}

function draftWarmStart(text: string, index: number, grammar: Grammar): Draft {
  try {
    const given = parseGenome(text);
    const genome = repairGenome(given, grammar);
    return draft(genome, { kind: "warm-start", parents: [], changes: listChanges(given, genome) });
  } catch (error) {
    if (!(error instanceof GenomeError)) throw error;
    throw new GenomeError(`warm start ${index + 1}: ${error.message}`, `/warmStart/${index}`);
  }
}

/** The setup without the warm starts, which are used once. */
export function keep<Name extends AlgorithmName>({ warmStart: _, ...kept }: Setup<Name>): Kept<Name> {
  return kept;
}

const attempts = 64;

/**
 * The first draft of a new genome among `attempts` tries (`make` is told which), or the last one: a small space may
 * have no new genome left.
 */
export function draftNew(known: KnownGenomes, make: (attempt: number) => Draft): Draft {
  for (let attempt = 0; ; attempt++) {
    const made = make(attempt);
    if (attempt === attempts - 1 || !known.has(made.hash)) return made;
  }
}

/** The genomes that are known, with those drafted since. */
export function withDrafts(known: KnownGenomes, drafts: readonly Draft[] = []) {
  const drafted = new Set(drafts.map(({ hash }) => hash));
  return {
    has: (hash: string) => drafted.has(hash) || known.has(hash),
    add: ({ hash }: Draft) => drafted.add(hash),
  };
}

interface Numbered {
  readonly setup: Pick<Kept, "firstNumber">;
  readonly nextNumber: number;
}

/** Whether a result is of a candidate that the algorithm did not propose. */
export function isGuest({ setup, nextNumber }: Numbered, { number }: Result): boolean {
  return number < setup.firstNumber || number >= nextNumber;
}
