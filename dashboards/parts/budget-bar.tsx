import type { SearchSummary } from "../api.ts";
import { formatCount, formatShare } from "../format.ts";

/** How the budget of candidates is spent, as one bar. */
export function BudgetBar({ search, slim = false }: { search: SearchSummary; slim?: boolean }) {
  const total = search.budget.candidates;
  const done = doneCandidates(search);
  return (
    <div
      class={slim ? "bar bar-slim" : "bar"}
      role="progressbar"
      aria-label="Candidates done"
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={Math.min(done, total)}
      aria-valuetext={`${formatCount(done)} of ${formatCount(total)} candidates`}
    >
      {segmentsOf(search).map(({ state, count }) => (
        <span
          key={state}
          class="bar-part"
          data-state={state}
          style={{ width: `${Math.min(100, (100 * count) / total)}%` }}
          title={`${formatCount(count)} ${state}`}
        />
      ))}
    </div>
  );
}

export function doneCandidates({ candidates }: SearchSummary): number {
  return candidates.complete + candidates.pruned + candidates.failed + candidates.cancelled;
}

export function doneShare(search: SearchSummary): string {
  return formatShare(doneCandidates(search), search.budget.candidates);
}

const order = ["complete", "pruned", "failed", "cancelled", "running"] as const;

function segmentsOf({ candidates }: SearchSummary) {
  return order.map((state) => ({ state, count: candidates[state] })).filter(({ count }) => count > 0);
}
