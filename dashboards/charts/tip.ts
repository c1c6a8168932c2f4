import * as Plot from "@observablehq/plot";

/** The text of the nearest point beside the pointer; it never catches a click that is meant for the point. */
export function nearestTip<Point>(
  points: readonly Point[],
  channels: {
    readonly x: keyof Point & string;
    readonly y: keyof Point & string;
    readonly title: (point: Point) => string;
  },
): Plot.Markish {
  const style = { fill: "var(--raised)", stroke: "var(--line-strong)", pointerEvents: "none", lineHeight: 1.35 };
  return Plot.tip(points, Plot.pointer({ ...channels, ...style }));
}
