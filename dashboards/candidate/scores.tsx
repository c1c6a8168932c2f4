import { useMemo } from "preact/hooks";
import type { Answer } from "../answer.ts";
import type { CandidateDetail, Front } from "../api.ts";
import { ProfileChart, profilePoints } from "../charts/profile.tsx";
import { formatScore } from "../format.ts";
import { candidateName } from "../names.ts";
import { Empty } from "../parts/notice.tsx";

/** The candidate's profile over the tasks, with the known designs of the same search as yardsticks. */
export function ScoresPanel({ candidate, front }: { candidate: CandidateDetail; front: Answer<Front> }) {
  const tasks = useMemo(() => [...new Set(candidate.evaluations.map(({ task }) => task))], [candidate.evaluations]);
  const points = useMemo(() => {
    const name = candidateName(candidate);
    const others = (front.data?.knownDesigns ?? [])
      .filter((design) => design.number !== candidate.number)
      .map((design) => ({ name: candidateName(design), taskScores: design.taskScores }));
    return profilePoints(tasks, { name, taskScores: candidate.taskScores }, others);
  }, [candidate, front.data, tasks]);
  return (
    <section class="card" aria-labelledby="scores-title">
      <div class="card-heading">
        <h2 id="scores-title">Task scores</h2>
        <span class="muted">
          Mean <strong class="score">{formatScore(candidate.score)}</strong>
        </span>
      </div>
      {points.length === 0 ? (
        <Empty>No evaluation has a score yet.</Empty>
      ) : (
        <figure>
          <ProfileChart points={points} tasks={tasks} />
          <figcaption class="legend">
            <span data-mark="front">This candidate</span>
            {points.some(({ own }) => !own) && <span data-mark="known">Known designs</span>}
          </figcaption>
        </figure>
      )}
    </section>
  );
}
