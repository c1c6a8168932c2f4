// Reading evaluations.
import { Prisma } from "../../../prisma/client/client.ts";
import type { Database } from "./database.ts";
import { toEvaluation } from "./rows.ts";
import type { Evaluation } from "./types.ts";

export async function loadEvaluation({ queries }: Database, id: string): Promise<Evaluation | null> {
  const row = await queries.evaluation.findUnique({ where: { id } });
  return row === null ? null : toEvaluation(row);
}

/** Ids of evaluations that a worker could take now, oldest first: of one search or (null) of all that are running. */
export async function listWaitingEvaluations(
  { queries }: Database,
  { limit, searchId = null }: { limit: number; searchId?: string | null },
): Promise<string[]> {
  const rows = await queries.$queryRaw<{ id: string }[]>`
    SELECT evaluations.id
    FROM evaluations
    JOIN searches ON searches.id = evaluations.search_id AND searches.state = 'running' AND searches.deleted_at IS NULL
    JOIN candidates ON candidates.id = evaluations.candidate_id
    WHERE evaluations.state = 'waiting'
      ${searchId === null ? Prisma.empty : Prisma.sql`AND evaluations.search_id = ${searchId}`}
    ORDER BY evaluations.created_at, evaluations.search_id, number, position
    LIMIT ${limit}`;
  return rows.map(({ id }) => id);
}
