// The append-only list of what happened. Ids grow in the order of commits, so a reader that has seen id N never finds
// a smaller one later.
import type { Database, Queries } from "./database.ts";
import { iso } from "./rows.ts";
import type { Event, EventType, JsonObject } from "./types.ts";

export const eventChannel = "starling_events";

/** Held from before an event gets its number until its transaction ends. */
const eventLock = 7_314_159;

export interface NewEvent {
  readonly type: EventType;
  readonly searchId: string | null;
  readonly data: JsonObject;
}

/** Call it last in a transaction: others that append wait until it ends. */
export async function appendEvents(queries: Queries, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await queries.$executeRaw`SELECT pg_advisory_xact_lock(${eventLock}::bigint)`;
  await queries.$executeRaw`
    WITH appended AS (
      INSERT INTO events (type, search_id, data)
      SELECT item->>'type', item->>'searchId', item->'data'
      FROM jsonb_array_elements(${JSON.stringify(events)}::jsonb) WITH ORDINALITY AS list(item, place)
      ORDER BY place
      RETURNING id, type, search_id
    )
    SELECT pg_notify(${eventChannel}, json_build_object('id', id, 'type', type, 'searchId', search_id)::text)
    FROM appended`;
}

/** Events after id `after` in order, of one search or (null) of all. */
export async function listEvents(
  { queries }: Database,
  { after, limit, searchId }: { after: number; limit: number; searchId?: string | null },
): Promise<Event[]> {
  const rows = await queries.event.findMany({
    where: { id: { gt: after }, ...(searchId == null ? {} : { searchId }) },
    orderBy: { id: "asc" },
    take: limit,
  });
  return rows.map((row) => ({
    id: Number(row.id),
    type: row.type as EventType,
    searchId: row.searchId,
    data: row.data as JsonObject,
    at: iso(row.at),
  }));
}

/** Id of the newest event, of all or of one search and type; 0 before the first: where a reader that wants only news begins. */
export async function lastEventId(
  { queries }: Database,
  of: { searchId?: string; type?: EventType } = {},
): Promise<number> {
  const row = await queries.event.findFirst({ where: of, orderBy: { id: "desc" }, select: { id: true } });
  return Number(row?.id ?? 0);
}
