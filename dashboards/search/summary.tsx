import { useMemo } from "preact/hooks";
import type { Search } from "../api.ts";
import { useNow } from "../clock.ts";
import { formatCount, formatDuration, formatNumber, formatShare, plural, unknown } from "../format.ts";
import { objectiveText } from "../objectives.ts";
import { BudgetBar, doneCandidates, LimitBars } from "../parts/budget-bar.tsx";
import { finishedStates } from "../parts/state.tsx";

/** What a glance should tell: how far, how long, how fast, how good. */
export function SearchSummaryStrip({ search }: { search: Search }) {
  const done = doneCandidates(search);
  const total = search.budget.candidates;
  return (
    <section class="card summary" aria-label="Progress">
      <div class="summary-progress">
        <BudgetBar search={search} />
        <p>
          <strong>
            {formatCount(done)} of {formatCount(total)}
          </strong>{" "}
          candidates done ({formatShare(done, total)}){rest(search)}
        </p>
        <LimitBars search={search} />
      </div>
      <dl class="figures">
        <Figure title="Elapsed" value={<Elapsed search={search} />} note={wallNote(search)} />
        <Figure title="Remaining" value={remaining(search)} note={etaNote(search)} />
        <Figure title="Candidates per hour" value={formatNumber(search.candidatesPerHour)} />
        <Figure title="Generation" value={formatCount(search.generation)} />
        {search.objectives.map(({ name, limit }) => (
          <Figure
            key={name}
            title={objectiveText(name).best}
            value={objectiveText(name).format(search.best[name] ?? null)}
            note={limit === null ? null : `limit ${objectiveText(name).format(limit)}`}
          />
        ))}
        <Figure title="Hypervolume" value={formatNumber(search.hypervolume)} />
      </dl>
    </section>
  );
}

function Figure({ title, value, note = null }: { title: string; value: preact.ComponentChild; note?: string | null }) {
  return (
    <div class="figure">
      <dt>{title}</dt>
      <dd>
        {value}
        {note && <small>{note}</small>}
      </dd>
    </div>
  );
}

/** Counts on between two answers of the service. */
function Elapsed({ search }: { search: Search }) {
  const now = useNow(1_000);
  const toldAt = useMemo(() => Date.now(), [search]);
  const moving = search.state === "running" || search.state === "stopping";
  const since = moving ? Math.max(0, now.getTime() - toldAt) / 1000 : 0;
  return <>{formatDuration(Math.round(search.elapsedSeconds + since))}</>;
}

function rest({ candidates, knownDesigns }: Search): string {
  const parts = [
    candidates.running > 0 ? `${formatCount(candidates.running)} running` : "",
    candidates.waiting > 0 ? `${formatCount(candidates.waiting)} waiting` : "",
    candidates.failed > 0 ? `${formatCount(candidates.failed)} failed` : "",
    candidates.pruned > 0 ? `${formatCount(candidates.pruned)} pruned` : "",
    knownDesigns > 0 ? `${plural(knownDesigns, "known design")} beside them` : "",
  ].filter((part) => part !== "");
  return parts.length === 0 ? "." : `; ${parts.join(", ")}.`;
}

function remaining(search: Search): string {
  if (finishedStates.has(search.state)) return "Ended";
  if (search.state === "paused") return "Paused";
  return search.etaSeconds === null ? unknown : `≈ ${formatDuration(search.etaSeconds)}`;
}

function etaNote(search: Search): string | null {
  if (search.state !== "running" || search.etaSeconds === null) return null;
  const end = new Date(Date.now() + search.etaSeconds * 1000);
  const sameDay = search.etaSeconds < 12 * 3600;
  return `until ${sameDay ? end.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : end.toLocaleDateString()}`;
}

function wallNote({ budget }: Search): string | null {
  return budget.wallSeconds === null ? null : `of ${formatDuration(budget.wallSeconds)}`;
}
