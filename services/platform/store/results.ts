// An equal evaluation is never paid for twice: results are shared by key, within a search and across searches.
import type { Queries } from "./database.ts";

/** First half of the advisory locks' keys; the second is one of `buckets`, so that a large search cannot fill the lock table. */
const lockSpace = 1_931_020;
const buckets = 1024;

/** While a key is locked nobody else begins, finishes or proposes an evaluation with it. */
export async function lockResultKeys(queries: Queries, keys: readonly string[]): Promise<void> {
  await queries.$queryRaw`
    SELECT pg_advisory_xact_lock(${lockSpace}::int, bucket)::text
    FROM (
      SELECT DISTINCT mod(hashtext(key)::bigint + 2147483648, ${buckets})::int AS bucket
      FROM unnest(${[...keys]}::text[]) AS key ORDER BY bucket
    ) AS sorted`;
}

/** Completes waiting evaluations whose result is known. Keys and candidates must be locked. Gives the candidates. */
export async function reuseResults(queries: Queries, keys: readonly string[]): Promise<string[]> {
  const rows = await queries.$queryRaw<{ candidate_id: string }[]>`
    WITH known AS (
      SELECT DISTINCT ON (result_key) id, result_key, outcome, score, metrics, curve, engine, train_seconds, step_ms
      FROM evaluations
      WHERE result_key = ANY(${[...keys]}) AND state = 'complete' AND reused_from IS NULL
      ORDER BY result_key, finished_at, id
    )
    UPDATE evaluations SET
      state = 'complete', outcome = known.outcome, score = known.score, metrics = known.metrics, curve = known.curve,
      engine = known.engine, train_seconds = known.train_seconds, step_ms = known.step_ms, reused_from = known.id,
      finished_at = clock_timestamp()
    FROM known
    WHERE evaluations.result_key = known.result_key AND evaluations.state = 'waiting'
    RETURNING evaluations.candidate_id`;
  return [...new Set(rows.map((row) => row.candidate_id))];
}
