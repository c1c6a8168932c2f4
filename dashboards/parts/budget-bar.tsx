import type { SearchSummary } from "../api.ts";
import { formatCompact, formatCount, formatDuration, formatShare } from "../format.ts";

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

const limits = {
  evaluations: { title: "evaluations", format: formatCount },
  wallSeconds: { title: "running time", format: formatDuration },
  deviceSeconds: { title: "device time", format: formatDuration },
  flops: { title: "FLOPs of training", format: formatCompact },
} satisfies Partial<Record<keyof SearchSummary["budget"], { title: string; format: (value: number) => string }>>;

/** What is spent of each budget besides the candidates, as a bar for every one that is set. */
export function LimitBars({ search: { budget, spent } }: { search: Pick<SearchSummary, "budget" | "spent"> }) {
  const names = Object.keys(limits) as (keyof typeof limits)[];
  return (
    <>
      {names.map((name) => {
        const limit = budget[name];
        if (limit === null) return null;
        const { title, format } = limits[name];
        const text = `${format(spent[name])} of ${format(limit)} ${title}`;
        return (
          <div key={name} class="limit">
            <div
              class="bar bar-slim"
              role="progressbar"
              aria-label={`Budget of ${title}`}
              aria-valuemin={0}
              aria-valuemax={limit}
              aria-valuenow={Math.min(spent[name], limit)}
              aria-valuetext={text}
            >
              <span
                class="bar-part"
                data-state="complete"
                style={{ width: `${(100 * Math.min(spent[name], limit)) / limit}%` }}
              />
            </div>
            <p class="muted">
              {text} ({formatShare(spent[name], limit)})
            </p>
          </div>
        );
      })}
    </>
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
