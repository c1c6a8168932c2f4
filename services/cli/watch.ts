// Follows one search until it ends: progress for people, one JSON line per change for programs.
import { setTimeout as sleep } from "node:timers/promises";
import type { Search } from "../api/schemas.ts";
import type { ApiClient } from "./client.ts";
import { exitCodes } from "./errors.ts";
import { type ProgressView, showProgress } from "./progress.ts";

export interface WatchOptions {
  readonly json?: boolean;
  readonly intervalMs?: number;
  readonly signal?: AbortSignal;
}

const ended = new Set(["completed", "cancelled", "failed"]);

/** Resolves with the search once it has ended, or as it was when the signal fired. */
export async function watchSearch(client: ApiClient, id: string, options: WatchOptions = {}): Promise<Search> {
  const show = options.json ? showJson() : showProgress();
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

function showJson(): ProgressView {
  let last = "";
  return {
    update(search) {
      const line = JSON.stringify({ ...search, elapsedSeconds: undefined, config: undefined });
      if (line !== last) process.stdout.write(`${line}\n`);
      last = line;
    },
    stop() {},
  };
}
