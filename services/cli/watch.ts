// Follows one search until it ends: a progress bar for people, one JSON line per change for programs.
import { setTimeout as sleep } from "node:timers/promises";
import cliProgress from "cli-progress";
import type { Search, SearchSummary } from "../api/schemas.ts";
import type { ApiClient } from "./client.ts";
import { exitCodes } from "./errors.ts";
import { count, duration, objectiveText } from "./output.ts";

export interface WatchOptions {
  readonly json?: boolean;
  readonly intervalMs?: number;
  readonly signal?: AbortSignal;
}

const ended = new Set(["completed", "cancelled", "failed"]);

/** Resolves with the search once it has ended, or as it was when the signal fired. */
export async function watchSearch(client: ApiClient, id: string, options: WatchOptions = {}): Promise<Search> {
  const show = options.json ? showJson() : showBar();
  try {
    for (;;) {
      const search = await client.get<Search>(`/searches/${encodeURIComponent(id)}`);
      show.update(search);
      if (ended.has(search.state) || options.signal?.aborted) return search;
      await sleep(options.intervalMs ?? 1000, undefined, { ...(options.signal && { signal: options.signal }) }).catch(
        () => undefined,
      );
    }
  } finally {
    show.stop();
  }
}

export function exitCodeOf(search: Search): number {
  if (search.state === "failed") return exitCodes.failed;
  if (search.state === "cancelled") return exitCodes.cancelled;
  return ended.has(search.state) ? exitCodes.done : exitCodes.interrupted;
}

/** Candidates that need no more work, out of the budget; the known designs come on top. */
export function progressOf({ candidates, budget }: SearchSummary): { done: number; total: number } {
  const { complete, pruned, failed, cancelled } = candidates;
  return { done: complete + pruned + failed + cancelled, total: budget.candidates };
}

function showBar() {
  const bar = new cliProgress.SingleBar({
    format: "{bar} {value}/{total} candidates | {rate}/h | {best} | hypervolume {hypervolume} | ETA {remaining}",
    barsize: 24,
    hideCursor: true,
    linewrap: true,
    noTTYOutput: true,
    notTTYSchedule: 5000,
    fps: 4,
  });
  let started = false;
  return {
    update(search: Search) {
      const { done, total } = progressOf(search);
      const payload = {
        rate: count(search.candidatesPerHour),
        best: search.objectives.map(({ name }) => `${name} ${objectiveText(name, search.best[name])}`).join(", "),
        hypervolume: search.hypervolume === null ? "–" : search.hypervolume.toPrecision(4),
        remaining: ended.has(search.state) ? search.state : duration(search.etaSeconds),
      };
      if (!started) bar.start(total, done, payload);
      started = true;
      bar.setTotal(total);
      bar.update(done, payload);
    },
    stop: () => bar.stop(),
  };
}

function showJson() {
  let last = "";
  return {
    update(search: Search) {
      const line = JSON.stringify({ ...search, elapsedSeconds: undefined, config: undefined });
      if (line !== last) process.stdout.write(`${line}\n`);
      last = line;
    },
    stop() {},
  };
}
