// A comparison of searches as text: a row for each, and how much of the others' fronts it covers.
import type { Comparison } from "../api/schemas.ts";
import { objectiveText, percent, table } from "./output.ts";

export function comparisonText({ objectives, referencePoint, differences, searches }: Comparison): string {
  const point = objectives.map(({ name }) => `${name} ${objectiveText(name, referencePoint[name])}`);
  const rows = searches.map(({ id, name, state, hypervolume, front, covers }) => [
    ...[id, name, state, hypervolume.toPrecision(5), String(front.length)],
    String(front.filter(({ dominatedBy }) => dominatedBy.length > 0).length),
    ...searches.map((other) => (other.id === id ? "" : percent(covers[other.id]))),
  ]);
  return [
    `reference point: ${point.join(", ")}`,
    ...(differences.length > 0
      ? [`not quite the same question: the searches differ in ${differences.join(", ")}`]
      : []),
    table(
      ["id", "name", "state", "hypervolume", "front", "dominated", ...searches.map(({ id }) => `covers ${id}`)],
      rows,
    ),
  ].join("\n");
}
