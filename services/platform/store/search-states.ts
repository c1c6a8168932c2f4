// Which state a search may leave for which, and what becomes of its evaluations.
import type { EvaluationState, SearchState } from "./types.ts";

/**
 * pause: no new work, what runs goes on. stopping: what runs is finished, nothing else begins, then the search is
 * completed. cancelled and failed: what runs is killed. The last three states are final.
 */
export const successors: Readonly<Record<SearchState, readonly SearchState[]>> = {
  queued: ["running", "paused", "stopping", "cancelled", "failed"],
  running: ["paused", "stopping", "completed", "cancelled", "failed"],
  paused: ["running", "stopping", "cancelled", "failed"],
  stopping: ["completed", "cancelled", "failed"],
  completed: [],
  cancelled: [],
  failed: [],
};

/** Evaluations in these states are cancelled when a search enters the state. */
export const cancelledOnEntry: Readonly<Record<SearchState, readonly EvaluationState[]>> = {
  queued: [],
  running: [],
  paused: [],
  stopping: ["waiting"],
  completed: ["waiting", "running"],
  cancelled: ["waiting", "running"],
  failed: ["waiting", "running"],
};

export function isFinal(state: SearchState): boolean {
  return successors[state].length === 0;
}

/** The search's clock runs: this counts against its wall budget. */
export function isActive(state: SearchState): boolean {
  return state === "running" || state === "stopping";
}
