import { useMemo, useState } from "preact/hooks";
import type { CandidateDetail, Evaluation } from "../api.ts";
import { CurveChart, type CurveMeasure, curveSamples } from "../charts/curve.tsx";
import { formatCount, formatDuration, formatScore, formatShare, humanize, plural } from "../format.ts";
import { Empty } from "../parts/notice.tsx";
import { Segmented } from "../parts/segmented.tsx";
import { State } from "../parts/state.tsx";
import { addresses } from "../route.ts";

export function CurvesPanel({ evaluations }: { evaluations: readonly Evaluation[] }) {
  const [measure, setMeasure] = useState<CurveMeasure>("loss");
  const drawn = evaluations.filter(({ curve }) => curve.length > 0);
  return (
    <section class="card" aria-labelledby="curves-title">
      <div class="card-heading">
        <h2 id="curves-title">Training curves</h2>
        <Segmented
          label="Measure"
          name="measure"
          value={measure}
          choices={[
            ["loss", "Loss"],
            ["accuracy", "Accuracy"],
          ]}
          onChange={setMeasure}
        />
      </div>
      {drawn.length === 0 ? (
        <Empty>Curves appear when the first evaluation has ended.</Empty>
      ) : (
        <>
          <div class="curves">
            {drawn.map((evaluation) => (
              <Curve key={evaluation.id} evaluation={evaluation} measure={measure} />
            ))}
          </div>
          <p class="legend">
            <span data-mark="test">Held-out instances</span>
            {measure === "loss" && <span data-mark="train">Training batches</span>}
          </p>
        </>
      )}
    </section>
  );
}

function Curve({ evaluation, measure }: { evaluation: Evaluation; measure: CurveMeasure }) {
  const samples = useMemo(() => curveSamples(evaluation.curve, measure), [evaluation.curve, measure]);
  const title = humanize(evaluation.task);
  return (
    <figure>
      <figcaption>
        {title} <span class="muted">{formatScore(evaluation.score)}</span>
      </figcaption>
      {samples.length === 0 ? (
        <Empty>No {measure} was recorded.</Empty>
      ) : (
        <CurveChart samples={samples} measure={measure} label={`${humanize(measure)} on ${title} by step`} />
      )}
    </figure>
  );
}

export function EvaluationTable({ candidate }: { candidate: CandidateDetail }) {
  const { evaluations } = candidate;
  return (
    <section class="card" aria-labelledby="evaluations-title">
      <div class="card-heading">
        <h2 id="evaluations-title">Evaluations</h2>
      </div>
      {evaluations.length === 0 ? (
        <Empty>This candidate has no evaluations.</Empty>
      ) : (
        <div class="table-scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">Task</th>
                <th scope="col">Setting</th>
                <th scope="col">State</th>
                <th scope="col" class="number">
                  Score
                </th>
                <th scope="col" class="number">
                  Training
                </th>
                <th scope="col" class="number">
                  Attempt
                </th>
                <th scope="col">Engine</th>
              </tr>
            </thead>
            <tbody>
              {evaluations.map((evaluation) => (
                <EvaluationRow key={evaluation.id} evaluation={evaluation} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function EvaluationRow({ evaluation }: { evaluation: Evaluation }) {
  const { task, setting, state, outcome, reason, message, score, trainSeconds, attempt, engine, reusedFrom } =
    evaluation;
  const detail = outcome === "diverged" ? "diverged" : reason && humanize(reason).toLowerCase();
  return (
    <tr>
      <th scope="row">{humanize(task)}</th>
      <td class="muted">{describeSetting(setting)}</td>
      <td>
        <State state={state} detail={detail} />
        {message && <p class="row-message">{message}</p>}
      </td>
      <td class="number">{formatScore(score)}</td>
      <td class="number">{reusedFrom ? <Reused from={reusedFrom} /> : formatDuration(trainSeconds)}</td>
      <td class="number">{attempt}</td>
      <td class="muted">{engine ?? "–"}</td>
    </tr>
  );
}

/** An evaluation's id begins with its search and its candidate's number. */
function Reused({ from }: { from: string }) {
  const [searchId = "", number = "0"] = from.split("-");
  return (
    <a
      href={addresses.candidate(searchId, Number(number))}
      title="An equal evaluation was trained there, so this one was not"
    >
      reused
    </a>
  );
}

/** What differs between settings, in the order of reading; null where it does not apply. */
const settingTexts: Readonly<Record<string, (value: number) => string | null>> = {
  vocabulary: (tokens) => `vocabulary ${formatCount(tokens)}`,
  length: (tokens) => `length ${formatCount(tokens)}`,
  trainExamples: (instances) => `${formatCount(instances)} training instances`,
  noiseFraction: (share) => (share > 0 ? `${formatShare(share, 1)} noise` : null),
  tokensToCopy: (tokens) => (tokens > 0 ? `${plural(tokens, "token")} to copy` : null),
  keyMotif: (tokens) => (tokens > 1 ? `keys of up to ${tokens}` : null),
  valueMotif: (tokens) => (tokens > 1 ? `values of up to ${tokens}` : null),
};

/** The difficulty of an evaluation's instances, without what the table says already. */
export function describeSetting({ data }: Readonly<Record<string, unknown>>): string {
  const values = new Map(Object.entries(data ?? {}));
  return Object.entries(settingTexts)
    .flatMap(([name, text]) => {
      const value: unknown = values.get(name);
      return (typeof value === "number" ? text(value) : null) ?? [];
    })
    .join(", ");
}
