// How numbers, sizes and times read on screen. Pure: the present moment comes in as an argument.

const count = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const significant = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

/** What stands where a value is not known. */
export const unknown = "–";

/** 12345 -> "12,345". */
export function formatCount(value: number | null): string {
  return value === null ? unknown : count.format(value);
}

/** 66048 -> "66K". */
export function formatCompact(value: number | null): string {
  return value === null ? unknown : compact.format(value);
}

/** Four significant digits at most: 0.123456 -> "0.1235". */
export function formatNumber(value: number | null): string {
  return value === null ? unknown : significant.format(value);
}

/** A score in [0, 1] with three decimals. */
export function formatScore(value: number | null): string {
  return value === null ? unknown : value.toFixed(3);
}

/** 0.4213 -> "42%". */
export function formatShare(part: number, whole: number): string {
  if (whole <= 0) return "0%";
  const share = (100 * part) / whole;
  return share > 0 && share < 1 ? "<1%" : `${Math.round(share)}%`;
}

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** 1536 -> "1.5 KiB". */
export function formatBytes(value: number | null): string {
  if (value === null) return unknown;
  const power = value < 1 ? 0 : Math.min(byteUnits.length - 1, Math.floor(Math.log2(value) / 10));
  const scaled = value / 1024 ** power;
  return `${scaled >= 100 ? Math.round(scaled) : Number(scaled.toPrecision(3))} ${byteUnits[power]}`;
}

const steps: readonly [unit: string, seconds: number][] = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
];

/** The two largest units: 3700 -> "1 h 1 min", 42.3 -> "42 s", 0.25 -> "0.3 s". */
export function formatDuration(seconds: number | null): string {
  if (seconds === null) return unknown;
  if (seconds < 10 && !Number.isInteger(seconds)) return `${seconds.toFixed(1)} s`;
  const whole = Math.max(0, Math.round(seconds));
  const first = steps.findIndex(([, size]) => whole >= size);
  if (first < 0) return "0 s";
  const parts: string[] = [];
  let rest = whole;
  for (const [unit, size] of steps.slice(first, first + 2)) {
    const times = Math.floor(rest / size);
    rest -= times * size;
    if (times > 0) parts.push(`${times} ${unit}`);
  }
  return parts.join(" ");
}

/** "just now", "3 min ago", "2 d ago". */
export function formatAge(date: Date | null, now: Date): string {
  if (date === null) return unknown;
  const seconds = (now.getTime() - date.getTime()) / 1000;
  if (seconds < 5) return "just now";
  const [unit, size] = steps.find(([, each]) => seconds >= each) ?? ["s", 1];
  return `${Math.floor(seconds / size)} ${unit} ago`;
}

/** 1 candidate, 2 candidates. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${formatCount(value)} ${value === 1 ? one : many}`;
}

/** in-context-recall -> "In-context recall"; worker-lost -> "Worker lost". */
export function humanize(name: string): string {
  const known: Readonly<Record<string, string>> = {
    "in-context-recall": "In-context recall",
    "fuzzy-in-context-recall": "Fuzzy recall",
    "noisy-in-context-recall": "Noisy recall",
    oom: "Out of memory",
    timeout: "Time limit",
    internal: "Internal error",
  };
  const spaced = name.replaceAll(/[-_]/g, " ").replaceAll(/([a-z])([A-Z])/g, (_, a, b) => `${a} ${b.toLowerCase()}`);
  return known[name] ?? spaced.charAt(0).toUpperCase() + spaced.slice(1);
}
