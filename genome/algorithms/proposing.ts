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
import type { AlgorithmName, Kept, Result, Setup } from "./types.ts";

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
export function draftNew(proposed: ReadonlySet<string>, make: (attempt: number) => Draft): Draft {
  for (let attempt = 0; ; attempt++) {
    const made = make(attempt);
    if (attempt === attempts - 1 || !proposed.has(shortHash(made.hash))) return made;
  }
}

/**
 * The hashes that are not new, while proposals are made. Building a set of a long list takes long, so the set goes with
 * the list that `close` returns, to whoever opens that one next; a list that is opened again is read anew.
 */
export class Proposed {
  readonly #list: readonly string[];
  readonly #added: string[] = [];
  readonly hashes: Set<string>;

  constructor(list: readonly string[]) {
    this.#list = list;
    this.hashes = setsOf.get(list) ?? new Set(list);
    setsOf.delete(list);
  }

  add(hash: string): void {
    const short = shortHash(hash);
    if (this.hashes.has(short)) return;
    this.hashes.add(short);
    this.#added.push(short);
  }

  /** The list with what was added. */
  close(): readonly string[] {
    const list = this.#added.length === 0 ? this.#list : [...this.#list, ...this.#added];
    setsOf.set(list, this.hashes);
    return list;
  }
}

const setsOf = new WeakMap<readonly string[], Set<string>>();

/** 64 bits of a hash are enough to know what was proposed, and keep the state small. */
export function shortHash(hash: string): string {
  return hash.slice(0, 16);
}

interface Proposing {
  readonly setup: Pick<Kept, "firstNumber">;
  readonly nextNumber: number;
  /** Short hashes of every genome proposed, and of every one told from elsewhere. */
  readonly proposed: readonly string[];
}

/** Whether a result is of a candidate that the algorithm did not propose. */
export function isGuest({ setup, nextNumber }: Proposing, { number }: Result): boolean {
  return number < setup.firstNumber || number >= nextNumber;
}

/** The proposed hashes with those of the guests among the results. */
export function addGuests(state: Proposing, results: readonly Result[]): readonly string[] {
  const guests = results.filter((result) => isGuest(state, result));
  if (guests.length === 0) return state.proposed;
  const proposed = new Proposed(state.proposed);
  for (const { hash } of guests) proposed.add(hash);
  return proposed.close();
}
