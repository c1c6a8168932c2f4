import { useMemo } from "preact/hooks";
import { useAnswer } from "../answer.ts";
import { api, type Search } from "../api.ts";
import { humanize } from "../format.ts";
import { useLive } from "../live.ts";
import { doneShare } from "../parts/budget-bar.tsx";
import { ConnectionSign } from "../parts/connection.tsx";
import { Answered } from "../parts/notice.tsx";
import { usePlace } from "../parts/pager.tsx";
import { State } from "../parts/state.tsx";
import { useTitle } from "../parts/title.ts";
import { addresses } from "../route.ts";
import { SearchActions } from "../search/actions.tsx";
import { CandidateTable, useTableQuery } from "../search/candidate-table.tsx";
import { FrontPanel } from "../search/front-panel.tsx";
import { HypervolumePanel } from "../search/hypervolume-panel.tsx";
import { FailuresPanel, WorkersPanel } from "../search/progress-panels.tsx";
import { SearchSummaryStrip } from "../search/summary.tsx";
import { algorithmTitle } from "./searches.tsx";

const pageSize = 25;

/** Everything here comes in pages or as aggregates, so its size does not grow with the search. */
export function SearchPage({ searchId }: { searchId: string }) {
  const live = useLive(searchId);
  const { version, resultsVersion } = live;
  const search = useAnswer(searchId, (signal) => api.search(searchId, signal), version);
  const front = useAnswer(searchId, (signal) => api.front(searchId, signal), resultsVersion);
  const hypervolume = useAnswer(searchId, (signal) => api.hypervolume(searchId, signal), resultsVersion);
  const workers = useAnswer("workers", (signal) => api.workers(signal), version);
  const [query, setQuery] = useTableQuery();
  const place = usePlace(`${query.state} ${query.sort}`);
  const candidates = useAnswer(
    `${query.state} ${query.sort} ${place.cursor}`,
    (signal) => api.candidates(searchId, { ...query, cursor: place.cursor, limit: pageSize }, signal),
    version,
  );
  const others = useMemo(() => candidates.data?.items ?? [], [candidates.data]);
  useTitle(search.data?.name ?? "Search");

  return (
    <Answered answer={search} what="the search">
      {(data) => (
        <>
          <div class="heading">
            <div>
              <nav class="crumbs" aria-label="Where you are">
                <a href={addresses.searches}>Searches</a>
              </nav>
              <h1>{data.name}</h1>
              <p class="subtitle">{describe(data)}</p>
            </div>
            <div class="heading-actions">
              <ConnectionSign connection={live.connection} />
              <State state={data.state} />
              <SearchActions search={data} done={search.refresh} />
            </div>
          </div>
          <p class="unseen" aria-live="polite">
            {`Search ${humanize(data.state).toLowerCase()}, ${doneShare(data)} done`}
          </p>
          {data.reason && <p class={data.state === "failed" ? "banner banner-failed" : "banner"}>{data.reason}</p>}
          <SearchSummaryStrip search={data} />
          <div class="columns columns-front">
            <FrontPanel
              answer={front}
              objectiveNames={data.objectives.map(({ name }) => name)}
              others={others}
              contextLength={data.config.space.contextLength}
            />
            <HypervolumePanel answer={hypervolume} />
          </div>
          <div class="columns">
            <WorkersPanel answer={workers} />
            <FailuresPanel search={data} />
          </div>
          <CandidateTable answer={candidates} query={query} setQuery={setQuery} place={place} />
        </>
      )}
    </Answered>
  );
}

function describe({ profile, algorithm, config }: Search): string {
  const parts = [
    `${humanize(profile)} profile`,
    algorithmTitle(algorithm),
    `${config.space.depth} positions`,
    `recipe ${config.recipe}`,
    `seed ${config.seed}`,
  ];
  return parts.join(" · ");
}
