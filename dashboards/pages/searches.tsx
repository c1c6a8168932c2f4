import { useState } from "preact/hooks";
import { useAnswer } from "../answer.ts";
import { api, type SearchSummary } from "../api.ts";
import { useNow } from "../clock.ts";
import { formatAge, formatCount, formatNumber, humanize } from "../format.ts";
import { useLive } from "../live.ts";
import { objectiveText } from "../objectives.ts";
import { BudgetBar, doneCandidates } from "../parts/budget-bar.tsx";
import { ConnectionSign } from "../parts/connection.tsx";
import { Flock } from "../parts/murmuration.tsx";
import { Answered, Empty } from "../parts/notice.tsx";
import { Pager, usePlace } from "../parts/pager.tsx";
import { State } from "../parts/state.tsx";
import { useTitle } from "../parts/title.ts";
import { addresses } from "../route.ts";

const states = ["", "queued", "running", "paused", "stopping", "completed", "cancelled", "failed"] as const;
const pageSize = 25;

export function SearchesPage() {
  useTitle("Searches");
  const [state, setState] = useState("");
  const { connection, version } = useLive(null);
  const place = usePlace(state);
  const answer = useAnswer(
    `searches ${state} ${place.cursor}`,
    (signal) => api.searches({ state, cursor: place.cursor, limit: pageSize }, signal),
    version,
  );

  return (
    <>
      <div class="heading">
        <h1>Searches</h1>
        <div class="heading-actions">
          <ConnectionSign connection={connection} />
          <label class="inline-field">
            <span>State</span>
            <select value={state} onChange={(event) => setState(event.currentTarget.value)}>
              {states.map((value) => (
                <option key={value} value={value}>
                  {value === "" ? "Any" : humanize(value)}
                </option>
              ))}
            </select>
          </label>
          <a class="button button-primary" href={addresses.newSearch}>
            New search
          </a>
        </div>
      </div>
      <Answered answer={answer} what="the searches">
        {({ items, nextCursor }) =>
          items.length === 0 && place.page === 1 ? (
            <NoSearches filtered={state !== ""} />
          ) : (
            <>
              <SearchList searches={items} />
              <Pager place={place} nextCursor={nextCursor} label="Pages of searches" />
            </>
          )
        }
      </Answered>
    </>
  );
}

function NoSearches({ filtered }: { filtered: boolean }) {
  if (filtered) return <Empty>No search is in this state.</Empty>;
  return (
    <Empty>
      <Flock count={120} width={600} height={220} scale={5} />
      <h2>No search yet</h2>
      <p>
        A search breeds architectures, trains each on small tasks and keeps the best trade-offs. The defaults make a
        first one that ends within minutes.
      </p>
      <a class="button button-primary" href={addresses.newSearch}>
        Start the first search
      </a>
    </Empty>
  );
}

function SearchList({ searches }: { searches: readonly SearchSummary[] }) {
  const now = useNow(10_000);
  return (
    <ul class="search-list">
      {searches.map((search) => (
        <li key={search.id} class="card search-row">
          <div class="search-row-name">
            <a href={addresses.search(search.id)}>{search.name}</a>
            <small>
              {humanize(search.profile)} profile, {algorithmTitle(search.algorithm)},{" "}
              <time dateTime={search.createdAt.toISOString()} title={search.createdAt.toLocaleString()}>
                {formatAge(search.createdAt, now)}
              </time>
            </small>
          </div>
          <div class="search-row-progress">
            <div>
              <State state={search.state} />
              <span class="muted">
                {formatCount(doneCandidates(search))} of {formatCount(search.budget.candidates)}
              </span>
            </div>
            <BudgetBar search={search} slim />
          </div>
          <dl class="search-row-best">
            {search.objectives.map(({ name }) => (
              <div key={name}>
                <dt>{objectiveText(name).best}</dt>
                <dd>{objectiveText(name).format(search.best[name] ?? null)}</dd>
              </div>
            ))}
            <div>
              <dt>Hypervolume</dt>
              <dd>{formatNumber(search.hypervolume)}</dd>
            </div>
          </dl>
        </li>
      ))}
    </ul>
  );
}

export function algorithmTitle(name: string): string {
  const titles: Readonly<Record<string, string>> = {
    nsga2: "NSGA-II",
    "nsga2-steady-state": "steady-state NSGA-II",
    nsga3: "NSGA-III",
    "regularized-evolution": "regularized evolution",
    "map-elites": "MAP-Elites",
    firefly: "firefly algorithm",
    surrogate: "surrogate-assisted evolution",
    random: "random search",
  };
  return titles[name] ?? name;
}
