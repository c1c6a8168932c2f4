// What the reconciler asks: which searches somebody should attend to.
import { Prisma } from "../../../prisma/client/client.ts";
import type { Database } from "./database.ts";

/** Whether the row of `searches` has used up its wall-clock budget. */
export const isOverdue = Prisma.sql`coalesce(
  searches.active_seconds + extract(epoch FROM now() - searches.active_since)
    > (searches.config->'budget'->>'wallSeconds')::float8, false)`;

/**
 * Searches whose advance has something to do: not begun, results to tell, a rung to decide on, or nothing left unfinished (the next
 * candidates, or the end).
 */
export async function listDueSearches({ queries }: Database): Promise<string[]> {
  const rows = await queries.$queryRaw<{ id: string }[]>`
    SELECT id FROM searches
    WHERE deleted_at IS NULL AND (
      state = 'queued'
      OR state IN ('running', 'stopping', 'paused') AND EXISTS (
        SELECT FROM candidates WHERE search_id = searches.id AND told_order IS NULL AND finished_at IS NOT NULL)
      OR state = 'running' AND EXISTS (
        SELECT FROM candidates
        WHERE search_id = searches.id AND state = 'waiting' AND NOT is_final AND cardinality(rung_scores) > rung)
      OR state IN ('running', 'stopping') AND NOT EXISTS (
        SELECT FROM candidates WHERE search_id = searches.id AND state IN ('waiting', 'running'))
    )
    ORDER BY created_at, id`;
  return rows.map(({ id }) => id);
}

/** Running searches that have used up their wall-clock budget. */
export async function listOverdueSearches({ queries }: Database): Promise<string[]> {
  const rows = await queries.$queryRaw<{ id: string }[]>`
    SELECT id FROM searches
    WHERE state = 'running' AND deleted_at IS NULL AND ${isOverdue}
    ORDER BY id`;
  return rows.map(({ id }) => id);
}
