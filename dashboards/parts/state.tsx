import type { EvaluationState, SearchState } from "../api.ts";
import { humanize } from "../format.ts";

/** What each state means, shown as a tooltip and read out. */
const meanings: Readonly<Record<SearchState | EvaluationState, string>> = {
  queued: "Waits for the optimizer",
  running: "Work is being handed out",
  paused: "No new work is handed out; what was running goes on to its end",
  stopping: "What runs is finished, then the search ends",
  completed: "The budget is spent",
  cancelled: "Ended by hand before its time",
  failed: "Ended by an error",
  waiting: "Waits for a worker",
  complete: "All evaluations have ended",
  pruned: "Stopped early as not promising",
};

export function State({ state, detail }: { state: SearchState | EvaluationState; detail?: string | null }) {
  return (
    <span class="state" data-state={state} title={meanings[state]}>
      <span class="state-dot" aria-hidden="true" />
      {humanize(state)}
      {detail && <span class="state-detail">{detail}</span>}
    </span>
  );
}

export const finishedStates: ReadonlySet<SearchState> = new Set(["completed", "cancelled", "failed"]);
