// The scale of a cost or score axis: logarithmic where values span decades, and always with some air at the ends.
import type { ScaleOptions } from "@observablehq/plot";

export interface AxisScale {
  readonly type: "linear" | "log" | "sqrt";
  readonly domain: readonly [number, number];
}

/** For counts and bytes, which may be 0. */
export function costScale(values: readonly number[]): AxisScale {
  const [low, high] = extent(values);
  if (low > 0 && high / low > 8) {
    const air = (high / low) ** 0.08;
    return { type: "log", domain: [low / air, high * air] };
  }
  const { domain } = linearScale(values, [0, Number.POSITIVE_INFINITY]);
  // Zero has no logarithm: a square root spreads the small values instead.
  return { type: low === 0 && high > 1000 ? "sqrt" : "linear", domain };
}

/** `bounds` are the ends that the axis must not leave, such as 0 and 1 for a score. */
export function linearScale(values: readonly number[], bounds: readonly [number, number]): AxisScale {
  const [low, high] = extent(values);
  const air = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * 0.08;
  return { type: "linear", domain: clip([low - air, high + air], bounds) };
}

/** Least and greatest; one by one, because a front may hold more points than a call takes arguments. */
function extent(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  return values.reduce(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

export function plotScale({ type, domain }: AxisScale): ScaleOptions {
  return { type, domain: [...domain] };
}

/** Ticks of bytes fall on powers of two, which read as round numbers of KiB. */
export function byteTicks({ type, domain }: AxisScale, most = 6): number[] {
  const [low, high] = domain;
  const unit = 1024 ** Math.max(0, Math.floor(Math.log2(Math.max(1, high)) / 10));
  if (type === "log") {
    const first = Math.ceil(Math.log2(low));
    const last = Math.floor(Math.log2(high));
    const step = Math.max(1, Math.ceil((last - first + 1) / most));
    return range(first, last, step).map((power) => 2 ** power);
  }
  const raw = (high - low) / unit / most;
  const step = [0.1, 0.2, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256].find((size) => size >= raw) ?? 512;
  return range(Math.ceil(low / unit / step), Math.floor(high / unit / step), 1).map((times) => times * step * unit);
}

function range(first: number, last: number, step: number): number[] {
  return Array.from({ length: Math.max(0, Math.floor((last - first) / step) + 1) }, (_, i) => first + i * step);
}

function clip([low, high]: [number, number], [least, most]: readonly [number, number]): [number, number] {
  return [Math.max(low, least), Math.min(high, most)];
}
