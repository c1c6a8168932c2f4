import * as Plot from "@observablehq/plot";
import { useCallback } from "preact/hooks";
import type { Evaluation } from "../api.ts";
import { formatCompact, formatNumber } from "../format.ts";
import { Chart } from "./chart.tsx";
import { nearestTip } from "./tip.ts";

export type CurveMeasure = "loss" | "accuracy";

export interface CurveSample {
  readonly step: number;
  readonly value: number;
  readonly series: "train" | "test";
}

/** Steps at which something was measured; a value that is missing or not finite leaves a gap, not a zero. */
export function curveSamples(curve: Evaluation["curve"], measure: CurveMeasure): CurveSample[] {
  const sample = (step: number, value: number | null, series: CurveSample["series"]): CurveSample[] =>
    value === null || !Number.isFinite(value) ? [] : [{ step, value, series }];
  return curve.flatMap(({ step, trainLoss, testLoss, testAccuracy }) =>
    measure === "loss"
      ? [...sample(step, trainLoss, "train"), ...sample(step, testLoss, "test")]
      : sample(step, testAccuracy, "test"),
  );
}

export function CurveChart(props: { samples: readonly CurveSample[]; measure: CurveMeasure; label: string }) {
  const { samples, measure, label } = props;
  const draw = useCallback(() => drawCurve(samples, measure), [samples, measure]);
  return <Chart label={label} draw={draw} />;
}

export function drawCurve(samples: readonly CurveSample[], measure: CurveMeasure): Plot.PlotOptions {
  const color = ({ series }: CurveSample) => (series === "test" ? "var(--accent)" : "var(--ink-3)");
  const title = ({ series, step, value }: CurveSample) => `${series} ${formatNumber(value)}\nat step ${step}`;
  return {
    height: 170,
    marginLeft: 40,
    marginRight: 10,
    marginTop: 24,
    marginBottom: 36,
    x: { label: "Step (count)", ticks: 4, tickFormat: formatCompact },
    y: {
      label: measure === "loss" ? "Loss (nats)" : "Accuracy",
      ticks: 4,
      grid: true,
      ...(measure === "accuracy" ? { domain: [0, 1] } : { zero: true }),
    },
    marks: [
      Plot.line(samples, { x: "step", y: "value", z: "series", stroke: color, strokeWidth: 1.75 }),
      Plot.dot(
        samples.filter(({ series }) => series === "test"),
        { x: "step", y: "value", fill: color, r: 2 },
      ),
      nearestTip(samples, { x: "step", y: "value", title }),
    ],
  };
}
