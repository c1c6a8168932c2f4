import { useState } from "preact/hooks";
import type { Answer } from "../answer.ts";
import type { Candidate, Page } from "../api.ts";
import { formatBytes, formatCompact, formatScore, humanize } from "../format.ts";
import { candidateName } from "../names.ts";
import { GenomeStrip } from "../parts/genome-strip.tsx";
import { Answered, Empty } from "../parts/notice.tsx";
import { Pager, type Place } from "../parts/pager.tsx";
import { State } from "../parts/state.tsx";
import { addresses } from "../route.ts";

export interface TableQuery {
  readonly state: string;
  readonly sort: string;
}

const columns = [
  { key: "number", title: "Candidate", first: "-number" },
  { key: null, title: "Architecture", first: "" },
  { key: null, title: "State", first: "" },
  { key: "score", title: "Score", first: "-score" },
  { key: "parameters", title: "Parameters", first: "parameters" },
  { key: "stateBytes", title: "State bytes", first: "stateBytes" },
  { key: "flopsPerToken", title: "FLOPs per token", first: "flopsPerToken" },
  { key: null, title: "Made by", first: "" },
] as const;

const states = ["", "waiting", "running", "complete", "pruned", "failed", "cancelled"] as const;

export function useTableQuery(): [TableQuery, (query: TableQuery) => void] {
  return useState<TableQuery>({ state: "", sort: "-number" });
}

export function CandidateTable(props: {
  answer: Answer<Page<Candidate>>;
  query: TableQuery;
  setQuery: (query: TableQuery) => void;
  place: Place;
}) {
  const { answer, query, setQuery, place } = props;
  return (
    <section class="card" aria-labelledby="candidates-title">
      <div class="card-heading">
        <h2 id="candidates-title">Candidates</h2>
        <label class="inline-field">
          <span>State</span>
          <select value={query.state} onChange={(event) => setQuery({ ...query, state: event.currentTarget.value })}>
            {states.map((state) => (
              <option key={state} value={state}>
                {state === "" ? "Any" : humanize(state)}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Answered answer={answer} what="the candidates">
        {({ items, nextCursor }) =>
          items.length === 0 ? (
            <Empty>
              {query.state === "" ? "No candidate has been proposed yet." : "No candidate is in this state."}
            </Empty>
          ) : (
            <>
              <div class="table-scroll">
                <table>
                  <thead>
                    <tr>
                      {columns.map((column) => (
                        <Heading key={column.title} column={column} query={query} setQuery={setQuery} />
                      ))}
                    </tr>
                  </thead>
                  <tbody>
                    {items.map((candidate) => (
                      <Row key={candidate.id} candidate={candidate} />
                    ))}
                  </tbody>
                </table>
              </div>
              <Pager place={place} nextCursor={nextCursor} label="Pages of candidates" />
            </>
          )
        }
      </Answered>
    </section>
  );
}

function Heading(props: {
  column: (typeof columns)[number];
  query: TableQuery;
  setQuery: (query: TableQuery) => void;
}) {
  const { column, query, setQuery } = props;
  if (column.key === null) return <th scope="col">{column.title}</th>;
  const ascending = query.sort === column.key;
  const descending = query.sort === `-${column.key}`;
  const opposite = ascending ? `-${column.key}` : column.key;
  const numeric = column.key === "number" ? "" : "number";
  return (
    <th scope="col" class={numeric} aria-sort={ascending ? "ascending" : descending ? "descending" : "none"}>
      <button
        type="button"
        onClick={() => setQuery({ ...query, sort: ascending || descending ? opposite : column.first })}
      >
        {column.title}
        <span aria-hidden="true">{ascending ? " ↑" : descending ? " ↓" : ""}</span>
      </button>
    </th>
  );
}

function Row({ candidate }: { candidate: Candidate }) {
  const detail = detailOf(candidate);
  return (
    <tr class={candidate.feasible ? "" : "infeasible"}>
      <th scope="row">
        <a href={addresses.candidate(candidate.searchId, candidate.number)}>{candidateName(candidate)}</a>
      </th>
      <td>
        <GenomeStrip genome={candidate.genome} />
      </td>
      <td>
        <State state={candidate.state} detail={detail} />
      </td>
      <td class="number">{formatScore(candidate.score)}</td>
      <td class="number">{formatCompact(candidate.parameters)}</td>
      <td class="number">{formatBytes(candidate.stateBytes)}</td>
      <td class="number">{formatCompact(candidate.flopsPerToken)}</td>
      <td class="muted">{madeBy(candidate)}</td>
    </tr>
  );
}

/** What the state alone does not say; the rung only where it is not the whole training. */
function detailOf({ outcome, reason, isFinal, rung }: Candidate): string | null {
  if (outcome === "diverged") return "diverged";
  if (reason !== null) return humanize(reason).toLowerCase();
  return isFinal ? null : `rung ${rung}`;
}

function madeBy({ variation, knownDesign, parents }: Candidate): string {
  if (knownDesign) return "Known design";
  const kind = typeof variation.kind === "string" ? humanize(variation.kind) : "–";
  return parents.length === 0 ? kind : `${kind} of ${parents.join(" and ")}`;
}
