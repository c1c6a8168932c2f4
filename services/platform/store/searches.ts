// Searches: created once per request, listed, and moved from state to state.
import { z } from "zod";
import type { SearchChanges, SearchConfig } from "../../../genome/space.ts";
import { Prisma } from "../../../prisma/client/client.ts";
import { AppError } from "../errors.ts";
import { decodeCursor, pageOf } from "./cursor.ts";
import { type Database, enumList, type Queries } from "./database.ts";
import { appendEvents, type NewEvent } from "./events.ts";
import { newId } from "./ids.ts";
import { iso, isoOrNull } from "./rows.ts";
import { cancelledOnEntry, isActive, isFinal, successors } from "./search-states.ts";
import { cancelEvaluations } from "./settle.ts";
import type { JsonObject, NewSearch, Page, Search, SearchState, Spending } from "./types.ts";

interface SearchRow {
  id: string;
  name: string;
  state: SearchState;
  reason: string | null;
  config: SearchConfig;
  generation: number;
  proposed: number;
  told: number;
  reference_point: Record<string, number> | null;
  hypervolume: number | null;
  elapsed_seconds: number;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
}

const columns = Prisma.sql`
  id, name, state, reason, config, generation, proposed, told, reference_point, hypervolume,
  active_seconds + coalesce(extract(epoch FROM now() - active_since)::float8, 0) AS elapsed_seconds,
  created_at, started_at, finished_at`;

/**
 * Stores a search with its algorithm's first state. A repeated idempotency key gives the search it made the first
 * time (`created` is false); IDEMPOTENCY_MISMATCH if the request differs.
 */
export async function createSearch(
  db: Database,
  { config, algorithmState, apiKeyId, idempotency = null }: NewSearch,
): Promise<{ search: Search; created: boolean }> {
  const id = newId(12);
  const created = await db.transaction(async (queries) => {
    const rows = await queries.$executeRaw`
      INSERT INTO searches (id, name, config, algorithm_state, api_key_id, idempotency_key, idempotency_digest)
      VALUES (${id}, ${config.name}, ${JSON.stringify(config)}::jsonb, ${JSON.stringify(algorithmState)}::jsonb,
              ${apiKeyId}, ${idempotency?.key ?? null}, ${idempotency?.digest ?? null})
      ON CONFLICT (api_key_id, idempotency_key) DO NOTHING`;
    if (rows === 0) return false;
    await appendEvents(queries, [{ type: "search.created", searchId: id, data: { name: config.name } }]);
    return true;
  });
  if (created || idempotency === null) return { search: await present(db, id), created };

  const earlier = await db.queries.search.findUniqueOrThrow({
    where: { apiKeyId_idempotencyKey: { apiKeyId, idempotencyKey: idempotency.key } },
    select: { id: true, idempotencyDigest: true },
  });
  if (earlier.idempotencyDigest !== idempotency.digest) {
    const message = `the idempotency key "${idempotency.key}" already made search ${earlier.id} from another request`;
    throw new AppError("IDEMPOTENCY_MISMATCH", message);
  }
  return { search: await present(db, earlier.id), created: false };
}

/** Null where there is none, or where it was deleted. */
export async function loadSearch({ queries }: { queries: Queries }, id: string): Promise<Search | null> {
  const rows = await queries.$queryRaw<SearchRow[]>`
    SELECT ${columns} FROM searches WHERE id = ${id} AND deleted_at IS NULL`;
  return rows[0] === undefined ? null : toSearch(rows[0]);
}

/** Newest first. */
export async function listSearches(
  { queries }: Database,
  { states, cursor, limit }: { states?: readonly SearchState[]; cursor?: string | null; limit: number },
): Promise<Page<Search>> {
  const after = cursor == null ? null : decodeCursor(cursor, z.tuple([z.iso.datetime(), z.string()]));
  const rows = await queries.$queryRaw<SearchRow[]>`
    SELECT ${columns} FROM searches
    WHERE deleted_at IS NULL
      ${states === undefined ? Prisma.empty : Prisma.sql`AND state = ANY(${enumList(states, "SearchState")})`}
      ${after === null ? Prisma.empty : Prisma.sql`AND (created_at, id) < (${after[0]}::text::timestamptz, ${after[1]})`}
    ORDER BY created_at DESC, id DESC LIMIT ${limit + 1}`;
  return pageOf(rows, limit, (row) => [iso(row.created_at), row.id], toSearch);
}

/**
 * Moves a search along the table of states; a state it has already is no change. Null where there is no such search.
 * Throws SEARCH_FINISHED or SEARCH_STATE_CONFLICT where the table has no such edge.
 */
export async function changeSearchState(
  db: Database,
  id: string,
  to: SearchState,
  reason: string | null = null,
): Promise<Search | null> {
  return db.transaction(async (queries) => {
    const search = await lockSearch(queries, id);
    if (search === null || search.state === to) return search;
    await appendEvents(queries, await enterState(queries, search, to, reason));
    return loadSearch({ queries }, id);
  });
}

/**
 * Changes what a search may spend and how much of it runs at once. Null where there is no such search. Throws
 * REQUEST_INVALID for a budget below what is spent or reserved, SEARCH_FINISHED or SEARCH_STATE_CONFLICT where no work
 * is handed out any more.
 */
export async function changeSearchLimits(db: Database, id: string, changes: SearchChanges): Promise<Search | null> {
  return db.transaction(async (queries) => {
    const search = await lockSearch(queries, id);
    if (search === null) return null;
    if (isFinal(search.state)) throw new AppError("SEARCH_FINISHED", `search ${id} is ${search.state}`);
    if (search.state === "stopping") {
      throw new AppError("SEARCH_STATE_CONFLICT", `search ${id} is stopping: nothing more is handed out`);
    }
    await assertAboveSpent(queries, search, changes);
    const budget = { ...search.config.budget, ...changes.budget };
    const { concurrency = search.config.concurrency } = changes;
    await queries.$executeRaw`
      UPDATE searches SET config = config || ${JSON.stringify({ budget, concurrency })}::jsonb WHERE id = ${id}`;
    const data = { state: search.state, changes: changes as JsonObject };
    await appendEvents(queries, [{ type: "search.changed", searchId: id, data }]);
    return loadSearch({ queries }, id);
  });
}

async function assertAboveSpent(queries: Queries, { id, proposed }: Search, { budget = {} }: SearchChanges) {
  const { evaluations, flops } = await readSpending(queries, id);
  const spent = { candidates: proposed, evaluations, flops };
  const errors = (["candidates", "evaluations", "flops"] as const).flatMap((name) => {
    const limit = budget[name];
    if (limit == null || limit >= spent[name]) return [];
    return [
      { pointer: `/budget/${name}`, detail: `${limit} is below what is spent or reserved already: ${spent[name]}` },
    ];
  });
  if (errors.length > 0) throw new AppError("REQUEST_INVALID", `search ${id} has spent more`, { errors });
}

/** Of all candidates, known designs included. */
export async function readSpending(queries: Queries, id: string): Promise<Spending> {
  const rows = await queries.$queryRaw<Spending[]>`
    SELECT coalesce(sum(paid_evaluations), 0)::int AS evaluations, coalesce(sum(paid_flops), 0) AS flops
    FROM candidates WHERE search_id = ${id}`;
  return rows[0] as Spending;
}

/** Cancels what runs and hides the search for good; its results stay, so that equal evaluations are not paid for again. */
export async function deleteSearch(db: Database, id: string): Promise<boolean> {
  return db.transaction(async (queries) => {
    const search = await lockSearch(queries, id);
    if (search === null) return false;
    const events = isFinal(search.state) ? [] : await enterState(queries, search, "cancelled", "deleted");
    await queries.$executeRaw`UPDATE searches SET deleted_at = now() WHERE id = ${id}`;
    await appendEvents(queries, [...events, { type: "search.deleted", searchId: id, data: {} }]);
    return true;
  });
}

/** Holds off every other advance and change of state until the transaction ends; evaluations go on meanwhile. */
export async function lockSearch(queries: Queries, id: string): Promise<Search | null> {
  await queries.$queryRaw`SELECT id FROM searches WHERE id = ${id} FOR NO KEY UPDATE`;
  return loadSearch({ queries }, id);
}

/** The search must be locked. Gives the events to append at the transaction's end. */
export async function enterState(
  queries: Queries,
  { id, state: from }: Search,
  to: SearchState,
  reason: string | null,
): Promise<NewEvent[]> {
  if (isFinal(from)) throw new AppError("SEARCH_FINISHED", `search ${id} is ${from} and cannot become ${to}`);
  if (!successors[from].includes(to)) {
    const allowed = successors[from].join(", ");
    throw new AppError("SEARCH_STATE_CONFLICT", `search ${id} is ${from} and can become ${allowed}, but not ${to}`);
  }
  await queries.$executeRaw`
    UPDATE searches SET
      state = ${to}::text::"SearchState",
      reason = CASE WHEN state = 'stopping' THEN coalesce(${reason}, reason) ELSE ${reason} END,
      active_seconds = active_seconds + coalesce(extract(epoch FROM now() - active_since)::float8, 0),
      active_since = CASE WHEN ${isActive(to)} THEN now() END,
      started_at = CASE WHEN ${to === "running"} THEN coalesce(started_at, now()) ELSE started_at END,
      finished_at = CASE WHEN ${isFinal(to)} THEN now() END
    WHERE id = ${id}`;
  await cancelEvaluations(queries, id, cancelledOnEntry[to]);
  return [{ type: "search.changed", searchId: id, data: { from, state: to, reason } }];
}

async function present(db: Database, id: string): Promise<Search> {
  const search = await loadSearch(db, id);
  if (search === null) throw new AppError("SEARCH_NOT_FOUND", `search ${id} was deleted`);
  return search;
}

function toSearch(row: SearchRow): Search {
  const { reference_point, elapsed_seconds, created_at, started_at, finished_at, ...rest } = row;
  return {
    ...rest,
    referencePoint: reference_point,
    elapsedSeconds: elapsed_seconds,
    createdAt: iso(created_at),
    startedAt: isoOrNull(started_at),
    finishedAt: isoOrNull(finished_at),
  };
}
