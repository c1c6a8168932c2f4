import { useState } from "preact/hooks";
import type { Answer } from "../answer.ts";
import type { Hypervolume } from "../api.ts";
import { type Effort, HypervolumeChart } from "../charts/hypervolume.tsx";
import { objectiveText } from "../objectives.ts";
import { Answered, Empty } from "../parts/notice.tsx";
import { Segmented } from "../parts/segmented.tsx";

export function HypervolumePanel({ answer }: { answer: Answer<Hypervolume> }) {
  const [effort, setEffort] = useState<Effort>("candidates");
  return (
    <section class="card" aria-labelledby="hypervolume-title">
      <div class="card-heading">
        <h2 id="hypervolume-title">Hypervolume</h2>
        <Segmented
          label="Against"
          name="effort"
          value={effort}
          choices={[
            ["candidates", "Candidates"],
            ["train-seconds", "Training time"],
          ]}
          onChange={setEffort}
        />
      </div>
      <Answered answer={answer} what="the hypervolume">
        {({ points, referencePoint }) =>
          points.length === 0 ? (
            <Empty>The curve starts with the first candidate that the search has learned from.</Empty>
          ) : (
            <figure>
              <HypervolumeChart points={points} effort={effort} />
              <figcaption class="legend">
                <span>{describeReference(referencePoint)}</span>
              </figcaption>
            </figure>
          )
        }
      </Answered>
    </section>
  );
}

function describeReference(point: Hypervolume["referencePoint"]): string {
  if (point === null) return "The reference point is set once the known designs have been measured.";
  const parts = Object.entries(point).map(
    ([name, value]) => `${objectiveText(name).title} ${objectiveText(name).format(value)}`,
  );
  return `Share of the box between the ideal and the reference point (${parts.join(", ")}) that the front covers.`;
}
