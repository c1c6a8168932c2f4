import * as Plot from "@observablehq/plot";
import { useCallback } from "preact/hooks";
import { formatScore, humanize } from "../format.ts";
import { Chart } from "./chart.tsx";
import { nearestTip } from "./tip.ts";

export interface ProfilePoint {
  readonly task: string;
  readonly score: number;
  readonly name: string;
  readonly own: boolean;
}

export interface Profiled {
  readonly name: string;
  readonly taskScores: Readonly<Record<string, number>>;
}

/** One point per task and design; a task without a score yet has no point. */
export function profilePoints(tasks: readonly string[], own: Profiled, others: readonly Profiled[]): ProfilePoint[] {
  return [...others, own].flatMap((design) =>
    tasks.flatMap((task) => {
      const score = design.taskScores[task];
      return score === undefined
        ? []
        : [{ task: humanize(task), score, name: design.name, own: design.name === own.name }];
    }),
  );
}

export function ProfileChart({ points, tasks }: { points: readonly ProfilePoint[]; tasks: readonly string[] }) {
  const draw = useCallback((width: number) => drawProfile(points, tasks, width), [points, tasks]);
  return <Chart label="Score on each task, beside the known designs" draw={draw} />;
}

export function drawProfile(
  points: readonly ProfilePoint[],
  tasks: readonly string[],
  width: number,
): Plot.PlotOptions {
  const own = points.filter((point) => point.own);
  const others = points.filter((point) => !point.own);
  const title = ({ name, task, score }: ProfilePoint) => `${name}\n${task}: ${formatScore(score)}`;
  return {
    height: 44 + 36 * tasks.length,
    marginLeft: width < 420 ? 112 : 132,
    marginRight: 54,
    marginTop: 6,
    marginBottom: 38,
    x: { domain: [0, 1], label: "Score (accuracy on held-out instances)", ticks: 5, tickFormat: ".1f", grid: true },
    y: { domain: tasks.map(humanize), label: null, tickSize: 0 },
    marks: [
      Plot.ruleY(own, { y: "task", x1: 0, x2: "score", stroke: "var(--accent-soft)", strokeWidth: 7 }),
      Plot.dot(others, {
        x: "score",
        y: "task",
        symbol: "diamond2",
        r: 4,
        fill: "var(--known)",
        stroke: "var(--surface)",
      }),
      Plot.dot(own, { x: "score", y: "task", r: 6, fill: "var(--accent)", stroke: "var(--surface)" }),
      Plot.text(own, {
        x: 1,
        y: "task",
        dx: 14,
        textAnchor: "start",
        text: ({ score }: ProfilePoint) => formatScore(score),
        fontSize: 13,
        fontWeight: 600,
        fontVariant: "tabular-nums",
      }),
      nearestTip(points, { x: "score", y: "task", title }),
    ],
  };
}
