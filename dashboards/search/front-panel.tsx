import { useMemo, useState } from "preact/hooks";
import type { Answer } from "../answer.ts";
import type { Candidate, Front } from "../api.ts";
import { type Axes, FrontChart, frontPoints } from "../charts/front.tsx";
import { plural } from "../format.ts";
import { isObjective, type ObjectiveName, objectiveNames, objectives } from "../objectives.ts";
import { Answered, Empty } from "../parts/notice.tsx";

/** The first two objectives of the search, its score upward. */
export function defaultAxes(names: readonly string[]): Axes {
  const known = names.filter(isObjective);
  const y = known.includes("score") ? "score" : (known[0] ?? "score");
  const x = known.find((name) => name !== y) ?? (y === "parameters" ? "score" : "parameters");
  return { x, y };
}

export function FrontPanel(props: {
  answer: Answer<Front>;
  objectiveNames: readonly string[];
  /** Drawn small and grey, for company: the page of the table below. */
  others: readonly Candidate[];
  contextLength: number;
}) {
  const { answer, others, contextLength } = props;
  const [axes, setAxes] = useState<Axes>(() => defaultAxes(props.objectiveNames));
  return (
    <section class="card" aria-labelledby="front-title">
      <div class="card-heading">
        <h2 id="front-title">Pareto front</h2>
        <AxisChoice
          label="Across"
          value={axes.x}
          asked={props.objectiveNames}
          onChange={(x) => setAxes({ ...axes, x })}
        />
        <AxisChoice label="Up" value={axes.y} asked={props.objectiveNames} onChange={(y) => setAxes({ ...axes, y })} />
      </div>
      <Answered answer={answer} what="the front">
        {(front) => <FrontView front={front} others={others} axes={axes} contextLength={contextLength} />}
      </Answered>
    </section>
  );
}

function FrontView(props: { front: Front; others: readonly Candidate[]; axes: Axes; contextLength: number }) {
  const { front, others, axes, contextLength } = props;
  const points = useMemo(() => frontPoints(front, others, axes), [front, others, axes]);
  if (points.length === 0) {
    return (
      <Empty>No candidate is complete yet. The known designs come first; each gets a point here when it ends.</Empty>
    );
  }
  return (
    <figure>
      <FrontChart points={points} axes={axes} contextLength={contextLength} />
      <figcaption class="legend">
        <span data-mark="front">
          {plural(front.front.filter((c) => !c.knownDesign).length, "candidate")} on the front
        </span>
        <span data-mark="known">Known designs</span>
        {others.length > 0 && <span data-mark="other">Rows of the table below</span>}
        <span class="legend-hint">Open a point to see its architecture.</span>
      </figcaption>
    </figure>
  );
}

function AxisChoice(props: {
  label: string;
  value: ObjectiveName;
  asked: readonly string[];
  onChange: (value: ObjectiveName) => void;
}) {
  const { label, value, asked, onChange } = props;
  return (
    <label class="inline-field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value as ObjectiveName)}>
        {objectiveNames.map((name) => (
          <option key={name} value={name}>
            {objectives[name].title}
            {asked.includes(name) ? "" : " (not an objective)"}
          </option>
        ))}
      </select>
    </label>
  );
}
