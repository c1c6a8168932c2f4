// How the command line shows things: tables for people, JSON for programs.
import Table from "cli-table3";

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function printLine(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** Numbers are right-aligned; every cell is text already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const numeric = head.map(
    (_, column) => rows.length > 0 && rows.every((row) => /^[-+\d.,% kMGi–B]*$/.test(row[column] ?? "")),
  );
  const drawn = new Table({
    head: [...head],
    colAligns: numeric.map((isNumeric) => (isNumeric ? "right" : "left")),
    style: { head: [], border: [], compact: true },
  });
  drawn.push(...rows.map((row) => [...row]));
  return drawn.toString();
}

export const percent = (score: number | null | undefined): string =>
  score === null || score === undefined ? "–" : `${(100 * score).toFixed(1)} %`;

export const count = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en-US");

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB"];
  let scaled = value;
  let unit = 0;
  while (scaled >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return `${unit === 0 ? scaled : scaled.toFixed(1)} ${units[unit]}`;
}

export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const [hours = 0, minutes = 0, rest = 0] = parts;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min ${rest} s`;
  return `${rest} s`;
}

/** One objective's value in its own unit. */
export function objectiveText(name: string, value: number | null | undefined): string {
  if (name.startsWith("score")) return percent(value);
  if (name === "stepMs") return value === null || value === undefined ? "–" : `${value.toPrecision(3)} ms`;
  return name === "stateBytes" ? bytes(value) : count(value);
}
