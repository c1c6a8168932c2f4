import { objectiveValue } from "../../genome/objectives.ts";
import type { ObjectiveName } from "../../genome/space.ts";
import type { Candidate, Front } from "../api/schemas.ts";
import { objectiveText, table } from "./output.ts";

/** The Pareto front, best score first, with the known designs beside it as the yardstick. */
export function frontTable({ objectives, front, knownDesigns }: Front): string {
  const onFront = new Set(front.map((candidate) => candidate.number));
  const beside = knownDesigns.filter((design) => !onFront.has(design.number));
  const byScore = (a: Candidate, b: Candidate) => (b.score ?? 0) - (a.score ?? 0);
  const row = (candidate: Candidate, mark: string) => [
    mark,
    `#${candidate.number}`,
    candidate.knownDesign ?? "found",
    ...objectives.map(({ name }) => objectiveText(name, objectiveValue(name as ObjectiveName, candidate))),
    candidate.genome,
  ];
  return table(
    ["front", "candidate", "design", ...objectives.map(({ name }) => name), "genome"],
    [...[...front].sort(byScore).map((c) => row(c, "yes")), ...[...beside].sort(byScore).map((c) => row(c, "no"))],
  );
}
