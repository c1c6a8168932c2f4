// Which genomes a search has: read once from its rows, then kept in memory and brought up to date at each advance, so
// that the thousandth advance costs what the first did.
import type { KnownGenomes } from "../../../genome/algorithms/types.ts";
import type { Database, Queries } from "./database.ts";

interface Kept {
  readonly hashes: Set<string>;
  /** Number of the first candidate not read yet. */
  next: number;
}

/** The searches advanced last, the latest at the end. */
const keptOf = new WeakMap<Database, Map<string, Kept>>();
const searchesKept = 32;

/** 64 bits of a hash tell any two genomes of a search apart. */
const hashDigits = 16;

/** Candidates below `nextNumber`, known designs left out. The search must be locked: none of its rows is still to be committed. */
export async function knownGenomes(
  db: Database,
  queries: Queries,
  searchId: string,
  nextNumber: number,
): Promise<KnownGenomes> {
  const kept = keep(db, searchId);
  if (kept.next < nextNumber) {
    const rows = await queries.$queryRaw<{ hash: string }[]>`
      SELECT left(genome_hash, ${hashDigits}::int) AS hash FROM candidates
      WHERE search_id = ${searchId} AND number >= ${kept.next} AND known_design IS NULL`;
    for (const { hash } of rows) kept.hashes.add(hash);
    kept.next = nextNumber;
  }
  return { has: (hash) => kept.hashes.has(hash.slice(0, hashDigits)) };
}

function keep(db: Database, searchId: string): Kept {
  const searches = keptOf.get(db) ?? new Map<string, Kept>();
  keptOf.set(db, searches);
  const kept = searches.get(searchId) ?? { hashes: new Set(), next: 0 };
  searches.delete(searchId);
  searches.set(searchId, kept);
  const [oldest] = searches.keys();
  if (searches.size > searchesKept && oldest !== undefined) searches.delete(oldest);
  return kept;
}
