// Whether a search has room for one more running evaluation: its concurrency, and its budget of device seconds.
//
// Both are counted while the search is locked, so that however many workers ask at once only as many pass as there is
// room for. Searches that set neither are not locked.
import type { Queries } from "./database.ts";
import { appendEvents } from "./events.ts";
import { enterState, lockSearch } from "./searches.ts";

export interface GatedPlace {
  readonly search_id: string;
  readonly flops: number;
  readonly concurrency: number | null;
  readonly device_budget: number | null;
}

export function isGated({ concurrency, device_budget }: GatedPlace): boolean {
  return concurrency !== null || device_budget !== null;
}

interface Usage {
  /** Device seconds of attempts that have ended. */
  readonly spent: number;
  /** Device seconds per FLOP over the search's complete candidates; null before the first. */
  readonly pace: number | null;
  readonly running: readonly { readonly flops: number; readonly seconds: number }[];
}

/**
 * Locks the search. The first evaluation that does not fit into the device seconds while nothing else runs stops the
 * search: nothing more could be learnt about what is left.
 */
export async function admit(queries: Queries, { search_id: searchId, flops }: GatedPlace): Promise<boolean> {
  const search = await lockSearch(queries, searchId);
  if (search?.state !== "running") return false;
  const { concurrency, budget } = search.config;
  const usage = await readUsage(queries, searchId);
  if (concurrency !== null && usage.running.length >= concurrency) return false;
  if (budget.deviceSeconds === null || fits(usage, flops, budget.deviceSeconds)) return true;
  if (usage.running.length === 0) {
    const reason = "the budget of device seconds is used up";
    await appendEvents(queries, await enterState(queries, search, "stopping", reason));
  }
  return false;
}

/** What was used, what runs and this one, by prediction, keep the limit. The very first evaluation is the measurement. */
function fits({ spent, pace, running }: Usage, flops: number, limit: number): boolean {
  if (spent === 0 && running.length === 0) return true;
  const reserved = running.reduce((sum, run) => sum + Math.max(run.seconds, predictedSeconds(run.flops, pace)), 0);
  return spent + reserved + predictedSeconds(flops, pace) <= limit;
}

/** Until something was measured: a process's start, and what even a slow core does in a second. */
const unmeasured = { overheadSeconds: 10, flopsPerSecond: 1e9 };

function predictedSeconds(flops: number, pace: number | null): number {
  return pace === null ? unmeasured.overheadSeconds + flops / unmeasured.flopsPerSecond : flops * pace;
}

/** In one statement: what finishes meanwhile is seen either running or spent. */
async function readUsage(queries: Queries, searchId: string): Promise<Usage> {
  const rows = await queries.$queryRaw<Usage[]>`
    SELECT coalesce(sum(device_seconds), 0) AS spent,
           sum(device_seconds) FILTER (WHERE state = 'complete')
             / nullif(sum(paid_flops) FILTER (WHERE state = 'complete'), 0) AS pace,
           (SELECT coalesce(jsonb_agg(jsonb_build_object(
              'flops', flops,
              'seconds', greatest(0, extract(epoch FROM clock_timestamp() - started_at)))), '[]')
            FROM evaluations WHERE search_id = ${searchId} AND state = 'running') AS running
    FROM candidates WHERE search_id = ${searchId}`;
  return rows[0] as Usage;
}

/** Evaluations that waited for the room that this one has left. */
export async function nextWaiting(queries: Queries, place: GatedPlace): Promise<string[]> {
  if (!isGated(place)) return [];
  const rows = await queries.$queryRaw<{ id: string }[]>`
    SELECT evaluations.id FROM evaluations JOIN candidates ON candidates.id = candidate_id
    WHERE evaluations.search_id = ${place.search_id} AND evaluations.state = 'waiting'
    ORDER BY number, position LIMIT ${place.concurrency ?? unlimitedRing}`;
  return rows.map(({ id }) => id);
}

/** Rung for where only device seconds hold back: more may fit now, and what does not is rung for again. */
const unlimitedRing = 8;
