import { type PlotOptions, plot } from "@observablehq/plot";
import { useEffect, useRef, useState } from "preact/hooks";

/** Draws a plot at the width of its place, and again when its options or that width change. */
export function Chart({ draw, label }: { draw: (width: number) => PlotOptions; label: string }) {
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);

  useEffect(() => {
    const element = place.current;
    if (!element || width === 0) return;
    const focused = element.contains(document.activeElement) ? addressOf(document.activeElement) : null;
    element.replaceChildren(plot({ width, className: "plot", ariaLabel: label, ...draw(width) }));
    // A redraw under somebody's keyboard leaves the focus on the same point.
    if (focused !== null) {
      [...element.querySelectorAll("a")].find((link) => addressOf(link) === focused)?.focus();
    }
  }, [draw, label, width]);

  return <div class="chart" ref={place} />;
}

const addressOf = (element: Element | null) => element?.getAttribute("href") ?? null;

function useWidth(place: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(Math.floor(element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, [place]);
  return width;
}
