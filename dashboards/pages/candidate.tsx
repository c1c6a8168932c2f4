import { useMemo, useState } from "preact/hooks";
import type { Answer } from "../answer.ts";
import { useAnswer } from "../answer.ts";
import { api, type CandidateDetail, type Front } from "../api.ts";
import { costsOf, positionsOf } from "../architecture.ts";
import { type CostName, CostPanel, costShares, costTitles } from "../candidate/costs.tsx";
import { ArchitectureDrawing } from "../candidate/drawing.tsx";
import { CurvesPanel, EvaluationTable } from "../candidate/evaluations.tsx";
import { LineagePanel } from "../candidate/lineage.tsx";
import { ScoresPanel } from "../candidate/scores.tsx";
import { humanize } from "../format.ts";
import { useLive } from "../live.ts";
import { candidateName } from "../names.ts";
import { ConnectionSign } from "../parts/connection.tsx";
import { CopyButton } from "../parts/copy-button.tsx";
import { Answered, Empty } from "../parts/notice.tsx";
import { State } from "../parts/state.tsx";
import { useTitle } from "../parts/title.ts";
import { addresses } from "../route.ts";

export function CandidatePage({ searchId, number }: { searchId: string; number: number }) {
  const { connection, version } = useLive(searchId);
  const search = useAnswer(searchId, (signal) => api.search(searchId, signal));
  const front = useAnswer(searchId, (signal) => api.front(searchId, signal));
  const answer = useAnswer(`${searchId} ${number}`, (signal) => api.candidate(searchId, number, signal), version);
  const name = candidateName(answer.data ?? { knownDesign: null, number });
  useTitle(`${name} of ${search.data?.name ?? "a search"}`);

  return (
    <Answered answer={answer} what="the candidate">
      {(candidate) => (
        <>
          <div class="heading">
            <div>
              <nav class="crumbs" aria-label="Where you are">
                <a href={addresses.searches}>Searches</a>
                <a href={addresses.search(searchId)}>{search.data?.name ?? "Search"}</a>
              </nav>
              <h1>{name}</h1>
              <p class="subtitle genome-line">
                <code class="genome-text">{candidate.genome}</code>
                <CopyButton label="Copy genome" text={() => candidate.genome} />
              </p>
            </div>
            <div class="heading-actions">
              <ConnectionSign connection={connection} />
              <State state={candidate.state} detail={candidate.outcome === "diverged" ? "diverged" : null} />
              <a
                class="button button-primary"
                href={api.exportAddress(searchId, number)}
                download={`starling-${searchId}-${number}.json`}
              >
                Export genome
              </a>
            </div>
          </div>
          <Remarks candidate={candidate} />
          <CandidateBody
            key={number}
            candidate={candidate}
            front={front}
            quotedAt={search.data?.config.space.contextLength ?? 4096}
          />
        </>
      )}
    </Answered>
  );
}

function Remarks({ candidate }: { candidate: CandidateDetail }) {
  const { message, reason, feasible, outcome } = candidate;
  return (
    <>
      {reason && (
        <p class="banner banner-failed">
          {humanize(reason)}
          {message && `: ${message}`}
        </p>
      )}
      {outcome === "diverged" && (
        <p class="banner">Training diverged (the loss was no longer finite), so it has the score of guessing.</p>
      )}
      {!feasible && (
        <p class="banner">It lies beyond a limit of the search, so it ranks after every candidate within.</p>
      )}
    </>
  );
}

function CandidateBody(props: { candidate: CandidateDetail; front: Answer<Front>; quotedAt: number }) {
  const { candidate, front, quotedAt } = props;
  const [chosenLength, setContextLength] = useState<number | null>(null);
  const contextLength = chosenLength ?? quotedAt;
  const [shown, setShown] = useState<CostName>("stateBytes");
  const { genome, shape } = candidate;
  const positions = positionsOf(genome);
  const costs = useMemo(
    () => costsOf(genome, shape, contextLength) ?? candidate.costs,
    [genome, shape, contextLength, candidate.costs],
  );
  return (
    <div class="columns columns-candidate">
      <div class="stack-of-cards">
        <section class="card" aria-labelledby="architecture-title">
          <div class="card-heading">
            <h2 id="architecture-title">Architecture</h2>
            <span class="muted">width {shape.width}</span>
          </div>
          {positions === null ? (
            <Empty>This dashboard cannot read the genome; it may use operators of a newer service.</Empty>
          ) : (
            <ArchitectureDrawing
              positions={positions}
              shares={costShares(costs, shown)}
              costTitle={costTitles[shown]}
            />
          )}
          <p class="hint">
            Each position normalizes the stream, mixes it and adds to it. Bars: share of the {costTitles[shown]}.
          </p>
        </section>
        <LineagePanel candidate={candidate} />
      </div>
      <div class="stack-of-cards">
        <ScoresPanel candidate={candidate} front={front} />
        <CostPanel
          genome={genome}
          costs={costs}
          contextLength={contextLength}
          setContextLength={setContextLength}
          shown={shown}
          setShown={setShown}
        />
      </div>
      <div class="wide">
        <CurvesPanel evaluations={candidate.evaluations} />
        <EvaluationTable candidate={candidate} />
      </div>
    </div>
  );
}
