import * as Plot from "@observablehq/plot";
import { useCallback, useMemo } from "preact/hooks";
import type { Hypervolume } from "../api.ts";
import { formatCompact, formatDuration, formatNumber } from "../format.ts";
import { Chart } from "./chart.tsx";
import { nearestTip } from "./tip.ts";

export type Effort = "candidates" | "train-seconds";

export interface VolumePoint {
  readonly effort: number;
  readonly hypervolume: number;
}

/** The corners of the rising staircase, from the start to the last told candidate; plateaus hold no points. */
export function volumeSteps(points: Hypervolume["points"], effort: Effort): VolumePoint[] {
  let told = 0;
  const all = points.map(({ number, trainSeconds, hypervolume }) => {
    // Results may be told out of order; the axis counts up to the newest candidate.
    told = Math.max(told, number + 1);
    return { effort: effort === "candidates" ? told : trainSeconds, hypervolume };
  });
  return all.filter((point, i) => i === 0 || i === all.length - 1 || point.hypervolume !== all[i - 1]?.hypervolume);
}

const axisTitles: Readonly<Record<Effort, string>> = {
  candidates: "Candidates told (count)",
  "train-seconds": "Training time, all workers (s)",
};

export function HypervolumeChart({ points, effort }: { points: Hypervolume["points"]; effort: Effort }) {
  const corners = useMemo(() => volumeSteps(points, effort), [points, effort]);
  const draw = useCallback((width: number) => drawHypervolume(corners, effort, width), [corners, effort]);
  return <Chart label={`Hypervolume against ${axisTitles[effort]}`} draw={draw} />;
}

export function drawHypervolume(corners: readonly VolumePoint[], effort: Effort, width: number): Plot.PlotOptions {
  const highest = corners.at(-1)?.hypervolume ?? 0;
  const format = effort === "candidates" ? formatNumber : formatDuration;
  const title = (point: VolumePoint) => `${formatNumber(point.hypervolume)}\nafter ${format(point.effort)}`;
  return {
    height: width < 420 ? 280 : 360,
    marginLeft: 52,
    marginRight: 18,
    marginTop: 28,
    marginBottom: 44,
    x: {
      label: axisTitles[effort],
      domain: [0, Math.max(1, corners.at(-1)?.effort ?? 1)],
      ticks: Math.max(3, Math.floor(width / 90)),
      tickFormat: effort === "candidates" ? formatCompact : formatDuration,
    },
    y: {
      label: "Hypervolume (share of the box)",
      domain: [0, highest * 1.05 || 1],
      grid: true,
      ticks: 5,
      tickFormat: formatCompact,
    },
    marks: [
      Plot.areaY(corners, { x: "effort", y: "hypervolume", curve: "step-after", fill: "var(--accent-soft)" }),
      Plot.lineY(corners, {
        x: "effort",
        y: "hypervolume",
        curve: "step-after",
        stroke: "var(--accent)",
        strokeWidth: 2,
      }),
      Plot.ruleY([0], { stroke: "var(--line-strong)" }),
      nearestTip(corners, { x: "effort", y: "hypervolume", title }),
    ],
  };
}
