import * as Plot from "@observablehq/plot";
import { useCallback } from "preact/hooks";
import { objectiveDirections } from "../../genome/index.ts";
import type { Candidate, Front } from "../api.ts";
import { candidateName, designTitle } from "../names.ts";
import { isAsGood, isObjective, type ObjectiveName, objectives, objectiveValue } from "../objectives.ts";
import { addresses } from "../route.ts";
import { Chart } from "./chart.tsx";
import { type Box, placeLabels } from "./labels.ts";
import { type AxisScale, byteTicks, costScale, linearScale, plotScale } from "./scale.ts";
import { nearestTip } from "./tip.ts";

export interface FrontPoint {
  readonly number: number;
  readonly x: number;
  readonly y: number;
  /** Name of a known design. */
  readonly name: string | null;
  readonly kind: "front" | "known" | "other";
  readonly href: string;
  readonly title: string;
}

export interface Axes {
  readonly x: ObjectiveName;
  readonly y: ObjectiveName;
}

/** The front, the known designs, and `others` for company; a point without a value on either axis is left out. */
export function frontPoints(front: Front, others: readonly Candidate[], { x, y }: Axes): FrontPoint[] {
  const seen = new Set<number>();
  const told = [...new Set([y, x, ...front.objectives.map(({ name }) => name)])].filter(isObjective);
  const point = (candidate: Candidate, kind: FrontPoint["kind"]): FrontPoint[] => {
    const [vx, vy] = [objectiveValue(x, candidate), objectiveValue(y, candidate)];
    if (vx === null || vy === null || seen.has(candidate.number)) return [];
    seen.add(candidate.number);
    const { number } = candidate;
    const name = designTitle(candidate);
    const href = addresses.candidate(candidate.searchId, number);
    return [{ number, x: vx, y: vy, name, kind, href, title: describePoint(candidate, told) }];
  };
  return [
    ...front.knownDesigns.flatMap((candidate) => point(candidate, "known")),
    ...front.front.flatMap((candidate) => point(candidate, candidate.knownDesign ? "known" : "front")),
    ...others.flatMap((candidate) => point(candidate, "other")),
  ];
}

function describePoint(candidate: Candidate, told: readonly ObjectiveName[]): string {
  const lines = [
    candidateName(candidate),
    ...told.map((name) => `${objectives[name].title}: ${objectives[name].format(objectiveValue(name, candidate))}`),
  ];
  if (!candidate.feasible) lines.push("Beyond a limit");
  if (candidate.outcome === "diverged") lines.push("Diverged");
  return lines.join("\n");
}

/** The points that no other beats on both axes, from left to right: the corners of the staircase. */
export function staircase(points: readonly FrontPoint[], { x, y }: Axes): FrontPoint[] {
  const able = points.filter(({ kind }) => kind !== "other");
  const sign = objectiveDirections[x] === "minimize" ? 1 : -1;
  const ordered = [...able].sort((a, b) => sign * (a.x - b.x) || (isAsGood(y, a.y, b.y) ? -1 : 1));
  const corners: FrontPoint[] = [];
  for (const point of ordered) {
    const last = corners.at(-1);
    if (!last || (point.y !== last.y && isAsGood(y, point.y, last.y))) corners.push(point);
  }
  return sign === 1 ? corners : corners.reverse();
}

const margins = { marginLeft: 62, marginRight: 18, marginTop: 28, marginBottom: 44 };

/** Points are links, so they can be reached and opened with the keyboard too. */
export function FrontChart(props: { points: readonly FrontPoint[]; axes: Axes; contextLength: number }) {
  const { points, axes, contextLength } = props;
  const draw = useCallback(
    (width: number) => drawFront(points, axes, contextLength, width),
    [points, axes, contextLength],
  );
  return <Chart label={`${objectives[axes.y].title} against ${objectives[axes.x].title}`} draw={draw} />;
}

export function drawFront(
  points: readonly FrontPoint[],
  axes: Axes,
  contextLength: number,
  width: number,
): Plot.PlotOptions {
  const height = width < 420 ? 300 : 360;
  const scales = { x: scaleOf(points, axes, "x"), y: scaleOf(points, axes, "y") };
  const of = (kind: FrontPoint["kind"]) => points.filter((point) => point.kind === kind);
  const channels = { x: "x", y: "y", href: "href", ariaLabel: "title" } as const;
  const improving = objectiveDirections[axes.x] === "minimize" ? "step-after" : "step-before";
  return {
    height,
    ...margins,
    x: axisOptions(axes.x, scales.x, contextLength, width),
    y: { ...axisOptions(axes.y, scales.y, contextLength, height), grid: true },
    marks: [
      Plot.line(staircase(points, axes), {
        x: "x",
        y: "y",
        curve: improving,
        stroke: "var(--accent)",
        strokeOpacity: 0.45,
      }),
      Plot.dot(of("other"), { ...channels, r: 2.5, fill: "var(--ink-3)", fillOpacity: 0.45 }),
      Plot.dot(of("front"), { ...channels, r: 4.5, fill: "var(--accent)", stroke: "var(--surface)" }),
      Plot.dot(of("known"), {
        ...channels,
        symbol: "diamond2",
        r: 5,
        fill: "var(--known)",
        stroke: "var(--surface)",
      }),
      ...labels(points, axes, scales, width, height),
      nearestTip(points, { x: "x", y: "y", title: (point) => point.title }),
    ],
  };
}

function scaleOf(points: readonly FrontPoint[], axes: Axes, along: "x" | "y"): AxisScale {
  const values = points.map((point) => point[along]);
  return axes[along] === "score" ? linearScale(values, [0, 1]) : costScale(values);
}

function axisOptions(name: ObjectiveName, scale: AxisScale, contextLength: number, pixels: number): Plot.ScaleOptions {
  const { axis, format } = objectives[name];
  const most = Math.max(3, Math.floor(pixels / 90));
  return {
    ...plotScale(scale),
    label: axis(contextLength),
    tickFormat: name === "score" ? ".2~f" : (value: number) => format(value),
    // With base 2 every tick at a power of two has its label.
    ...(name === "stateBytes"
      ? { ticks: byteTicks(scale, most), base: 2 }
      : { ticks: scale.type === "log" ? 4 : most }),
    nice: false,
  };
}

function labels(
  points: readonly FrontPoint[],
  axes: Axes,
  scales: Record<"x" | "y", AxisScale>,
  width: number,
  height: number,
) {
  const frame = { left: margins.marginLeft, right: width - 4, top: 14, bottom: height - margins.marginBottom };
  const x = Plot.scale({ x: { ...plotScale(scales.x), range: [frame.left, width - margins.marginRight] } });
  const y = Plot.scale({ y: { ...plotScale(scales.y), range: [frame.bottom, margins.marginTop] } });
  if (!x || !y) return [];
  const place = (point: FrontPoint) => ({ x: x.apply(point.x) as number, y: y.apply(point.y) as number });
  const named = points.filter(({ kind }) => kind === "known");
  const dots = named.map((point) => ({ text: shorten(point.name ?? ""), ...place(point) }));
  const others = points.filter(({ kind }) => kind !== "known").map(place);
  const corners = staircase(points, axes).map(place);
  const lines = objectiveDirections[axes.x] === "minimize" ? stepLines(corners) : stepLines(corners.reverse());
  const marks = others.map(({ x, y }) => ({ left: x - 5, right: x + 5, top: y - 5, bottom: y + 5 }));
  const placed = placeLabels(dots, frame, 12, [...lines, ...marks]);
  return placed.map((label, index) =>
    Plot.text([named[index] as FrontPoint], {
      x: "x",
      y: "y",
      text: () => label.text,
      textAnchor: label.anchor,
      dx: label.dx,
      dy: label.dy,
      fontSize: 12,
      fill: "var(--known-ink)",
      stroke: "var(--surface)",
      strokeWidth: 4,
      pointerEvents: "none",
    }),
  );
}

/** The staircase through its corners, as flat boxes: from each along its own height, then to the next one's. */
function stepLines(corners: readonly { readonly x: number; readonly y: number }[]): Box[] {
  return corners.slice(1).flatMap((to, i) => {
    const from = corners[i] as (typeof corners)[number];
    const [left, right] = [Math.min(from.x, to.x), Math.max(from.x, to.x)];
    const [top, bottom] = [Math.min(from.y, to.y), Math.max(from.y, to.y)];
    return [
      { left, right, top: from.y - 1, bottom: from.y + 1 },
      { left: to.x - 1, right: to.x + 1, top, bottom },
    ];
  });
}

const shorten = (name: string) => (name.length <= 24 ? name : `${name.slice(0, 23)}…`);
