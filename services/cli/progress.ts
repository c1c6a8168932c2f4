// How far a search is: a moving bar on a terminal, now and then a plain line anywhere else.
import cliProgress from "cli-progress";
import type { Search, SearchSummary } from "../api/schemas.ts";
import { count, duration, objectiveText } from "./output.ts";

export interface ProgressView {
  update(search: Search): void;
  stop(): void;
}

type Writable = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** Candidates that need no more work, out of the budget; the known designs come on top. */
export function progressOf({ candidates, budget }: Pick<SearchSummary, "candidates" | "budget">): {
  done: number;
  total: number;
} {
  const { complete, pruned, failed, cancelled } = candidates;
  return { done: complete + pruned + failed + cancelled, total: budget.candidates };
}

const budgetTexts = {
  candidates: { title: "candidates", format: count },
  evaluations: { title: "evaluations", format: count },
  wallSeconds: { title: "wall time", format: duration },
  deviceSeconds: { title: "device time", format: duration },
  flops: { title: "FLOPs", format: (value: number) => value.toExponential(2) },
} satisfies Record<keyof SearchSummary["budget"], { title: string; format: (value: number) => string }>;

/** What is spent of each budget that is set. */
export function budgetText({ budget, spent }: Pick<SearchSummary, "budget" | "spent">): string {
  const names = Object.keys(budgetTexts) as (keyof typeof budgetTexts)[];
  return names
    .flatMap((name) => {
      const limit = budget[name];
      const { title, format } = budgetTexts[name];
      return limit === null ? [] : [`${format(spent[name])} of ${format(limit)} ${title}`];
    })
    .join(", ");
}

/** What goes on, the most wanted first, as a narrow terminal cuts the rest off. Known designs come first: until they are trained no candidate can be done. */
export function progressText(search: Search): string {
  const { done } = progressOf(search);
  const finished = search.evaluations.complete + search.evaluations.failed;
  if (search.state === "queued") return "queued";
  if (finished + search.evaluations.running === 0 && search.state === "running") return "waiting for a worker";
  if (done === 0 && search.knownDesigns > 0 && search.state === "running") {
    return `training the ${count(search.knownDesigns)} known designs first: ${count(finished)} evaluations done`;
  }
  const best = search.objectives.map(({ name }) => `${name} ${objectiveText(name, search.best[name])}`);
  return [
    search.state === "running" ? `ETA ${duration(search.etaSeconds)}` : search.state,
    `${count(search.candidatesPerHour)} per hour`,
    `hypervolume ${search.hypervolume?.toPrecision(3) ?? "–"}`,
    `best ${best.join(", ")}`,
  ].join(" | ");
}

export function showProgress(stream: Writable = process.stdout): ProgressView {
  return stream.isTTY ? showBar(stream) : showLines(stream);
}

function showBar(stream: Writable): ProgressView {
  const bar = new cliProgress.SingleBar({
    format: "{bar} {value}/{total} | {text}",
    barsize: 20,
    hideCursor: true,
    stream,
    fps: 4,
  });
  let isStarted = false;
  return {
    update(search) {
      const { done, total } = progressOf(search);
      const payload = { text: progressText(search) };
      if (!isStarted) bar.start(total, done, payload);
      isStarted = true;
      bar.update(done, payload);
    },
    stop: () => bar.stop(),
  };
}

/** At most a line in ten seconds of searching, and always the last state. */
function showLines(stream: Writable, everySeconds = 10): ProgressView {
  let shownAt = Number.NEGATIVE_INFINITY;
  let shown = "";
  let latest = "";
  const show = () => {
    if (latest !== shown) stream.write(`${latest}\n`);
    shown = latest;
  };
  return {
    update(search) {
      const { done, total } = progressOf(search);
      latest = `${duration(search.elapsedSeconds).padStart(10)} | ${done} of ${total} candidates | ${progressText(search)}`;
      if (search.elapsedSeconds - shownAt < everySeconds) return;
      shownAt = search.elapsedSeconds;
      show();
    },
    stop: show,
  };
}
