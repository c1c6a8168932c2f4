// A whole search without a database, a queue or a clock: real decisions, simulated evaluations, simulated workers.
//
// What the store keeps is kept in memory under the same rules: leases with fences, results that count only while the
// lease holds, results told by number (deterministic) or as they come. Workers die or freeze, come back and deliver late;
// messages are late, in any order, and some arrive twice. Given the seeds, a simulation repeats exactly.
import { beginSearch, Random, type SearchConfig } from "../../genome/index.ts";
import { maxAttempts } from "../../services/platform/store/leases.ts";
import type { Advance, CandidateResult, JsonObject, Proposal } from "../../services/platform/store/types.ts";
import { decide } from "../advance/decide.ts";
import type { StoredCandidate, StoredSearch } from "../advance/replay.ts";
import type { EvaluationSetting } from "../mad/profiles.ts";
import { type Simulated, simulateEvaluation } from "./evaluation.ts";
import { Timeline } from "./timeline.ts";

export interface Cluster {
  readonly workers: number;
  /** Of delays, deaths and deliveries; the search has its own. */
  readonly seed?: number;
  /** Share of leases whose worker dies, or freezes and delivers late. The last attempt is spared. */
  readonly lost?: number;
  /** Share of messages that arrive twice. */
  readonly repeated?: number;
}

export interface SimulatedSearch {
  readonly search: StoredSearch;
  /** Simulated. */
  readonly seconds: number;
  readonly trainSeconds: number;
  readonly advances: number;
  readonly lostLeases: number;
  /** Results that came after their lease, or a second time. */
  readonly discarded: number;
}

const leaseSeconds = 30;
/** Messages take up to this long. */
const delaySeconds = 5;

interface Evaluation {
  readonly number: number;
  readonly setting: EvaluationSetting;
  readonly seed: number;
  state: "waiting" | "running" | "complete";
  attempt: number;
  /** Of this attempt; known to the search once the evaluation is complete. */
  result: Simulated | null;
}

interface Row {
  readonly candidate: StoredCandidate;
  readonly evaluations: readonly Evaluation[];
}

type Happening =
  | { readonly kind: "advance" }
  | { readonly kind: "return" }
  | { readonly kind: "expire"; readonly evaluation: Evaluation; readonly attempt: number }
  | { readonly kind: "result"; readonly evaluation: Evaluation; readonly attempt: number };

/** @param onTold gets every candidate once, finished, in the order in which the algorithm is told. */
export function simulateSearch(
  config: SearchConfig,
  { workers, seed = 0, lost = 0, repeated = 0 }: Cluster,
  onTold: (candidate: StoredCandidate) => void,
): SimulatedSearch {
  const random = new Random(`${seed}/cluster`);
  const timeline = new Timeline<Happening>();
  const open = new Map<number, Row>();
  const untold = new Map<number, StoredCandidate>();
  const waiting: Evaluation[] = [];
  const known = new Set<string>();
  const counts = { next: 0, proposed: 0, told: 0, advances: 0, lostLeases: 0, discarded: 0, trainSeconds: 0 };
  let memory: unknown = beginSearch(config);
  let hypervolume: number | null = null;
  let idle = workers;
  let end: Advance["end"];
  let now = 0;

  const send = (happening: Happening, after = 0) => {
    for (let copy = random.chance(repeated) ? 2 : 1; copy > 0; copy--) {
      timeline.plan(now + after + delaySeconds * random.uniform(), happening);
    }
  };

  function advance(): void {
    const results = tellable();
    const decided = decide({
      search: searchNow(),
      algorithmState: memory,
      results,
      known,
      inRungs: [],
      allowance: { evaluations: Number.POSITIVE_INFINITY, flops: Number.POSITIVE_INFINITY },
      unfinished: { waiting: open.size, running: 0 },
      nextNumber: counts.next,
      remaining: config.budget.candidates - counts.proposed,
    });
    counts.advances += 1;
    if (decided === null) return;
    for (const { number } of results) {
      onTold(untold.get(number)!);
      untold.delete(number);
    }
    counts.told += results.length;
    hypervolume = decided.hypervolumes?.get(results.at(-1)?.number ?? -1) ?? hypervolume;
    memory = JSON.parse(JSON.stringify(decided.algorithmState));
    for (const proposal of decided.proposals) propose(proposal);
    end = decided.end;
    if (decided.proposals.some(({ pruned }) => pruned)) send({ kind: "advance" });
  }

  function tellable(): CandidateResult[] {
    const results: CandidateResult[] = [];
    if (!config.deterministic) return [...untold.values()].map(toResult);
    for (let number = counts.told; untold.has(number); number++) results.push(toResult(untold.get(number)!));
    return results;
  }

  function propose(proposal: Proposal): void {
    const number = counts.next++;
    const candidate = toCandidate(proposal, number);
    if (candidate.knownDesign === null) {
      counts.proposed += 1;
      known.add(candidate.genomeHash);
    }
    if (proposal.pruned) {
      untold.set(number, { ...candidate, state: "pruned" });
      return;
    }
    const evaluations = proposal.evaluations.map(
      ({ setting, seed }): Evaluation => ({
        ...{ number, setting: setting as unknown as EvaluationSetting, seed },
        ...{ state: "waiting", attempt: 0, result: null },
      }),
    );
    open.set(number, { candidate, evaluations });
    waiting.push(...evaluations);
  }

  /** Each idle worker takes one of the evaluations that wait longest. */
  function lease(): void {
    for (; idle > 0 && waiting.length > 0; idle--) {
      const [evaluation] = waiting.splice(random.integer(Math.min(waiting.length, 4)), 1) as [Evaluation];
      evaluation.state = "running";
      evaluation.attempt += 1;
      const { attempt } = evaluation;
      const { candidate } = open.get(evaluation.number)!;
      evaluation.result = simulateEvaluation(candidate, evaluation.setting, evaluation);
      const { trainSeconds } = evaluation.result;
      if (attempt < maxAttempts && random.chance(lost)) {
        const lives = trainSeconds * random.uniform();
        timeline.plan(now + lives + leaseSeconds, { kind: "expire", evaluation, attempt });
        timeline.plan(now + lives + 2 * leaseSeconds * random.uniform(), { kind: "return" });
        if (random.chance(0.5)) send({ kind: "result", evaluation, attempt }, lives + 2 * leaseSeconds);
      } else {
        timeline.plan(now + trainSeconds, { kind: "return" });
        send({ kind: "result", evaluation, attempt }, trainSeconds);
      }
    }
  }

  const handlers = {
    advance,
    return: () => {
      idle += 1;
    },
    expire: ({ evaluation, attempt }: Extract<Happening, { kind: "expire" }>) => {
      if (evaluation.state !== "running" || evaluation.attempt !== attempt) return;
      counts.lostLeases += 1;
      evaluation.state = "waiting";
      waiting.push(evaluation);
    },
    result: ({ evaluation, attempt }: Extract<Happening, { kind: "result" }>) => {
      if (evaluation.state !== "running" || evaluation.attempt !== attempt) {
        counts.discarded += 1;
        return;
      }
      const row = open.get(evaluation.number)!;
      evaluation.state = "complete";
      counts.trainSeconds += evaluation.result?.trainSeconds ?? 0;
      if (row.evaluations.some(({ state }) => state !== "complete")) return;
      open.delete(evaluation.number);
      untold.set(evaluation.number, complete(row));
      send({ kind: "advance" });
    },
  } satisfies { [Kind in Happening["kind"]]: (happening: never) => void };

  function searchNow() {
    return {
      ...{ id: "simulated", name: config.name, state: "running" as const, reason: null, config, generation: 0 },
      ...{ proposed: counts.proposed, told: counts.told, referencePoint: null, hypervolume, elapsedSeconds: now },
      ...{ createdAt: "", startedAt: null, finishedAt: null },
    };
  }

  send({ kind: "advance" });
  for (let planned = timeline.next(); planned !== null && end === undefined; planned = timeline.next()) {
    now = planned.at;
    handlers[planned.happening.kind](planned.happening as never);
    lease();
  }
  if (end === undefined) throw new Error(`the simulated search stands still after ${counts.told} candidates`);
  const { trainSeconds, advances, lostLeases, discarded } = counts;
  return { search: { config, ...end, hypervolume }, seconds: now, trainSeconds, advances, lostLeases, discarded };
}

function toCandidate({ evaluations: _, pruned: __, ...proposal }: Proposal, number: number): StoredCandidate {
  const { parents, variation } = JSON.parse(JSON.stringify(proposal)) as { parents: number[]; variation: JsonObject };
  return {
    ...{ ...proposal, number, knownDesign: proposal.knownDesign ?? null, parents, variation },
    ...{ state: "waiting", outcome: null, reason: null, score: null, taskScores: {}, stepMs: null },
    ...{ rung: 0, rungScores: [], cohort: null, isFinal: true }, // every candidate has only one rung
  };
}

function toResult(candidate: StoredCandidate): CandidateResult {
  return { ...candidate, id: String(candidate.number) };
}

/** The mean of the tasks' means, summed in one order whatever came first, as the store has it. */
function complete({ candidate, evaluations }: Row): StoredCandidate {
  const byTask = new Map<string, number[]>();
  for (const { setting, result } of evaluations) {
    byTask.set(setting.data.task, [...(byTask.get(setting.data.task) ?? []), result!.score]);
  }
  const means = [...byTask].sort(([a], [b]) => (a < b ? -1 : 1)).map(([task, scores]) => [task, mean(scores)] as const);
  const isDiverged = evaluations.some(({ result }) => result?.outcome === "diverged");
  return {
    ...candidate,
    ...{ state: "complete", outcome: isDiverged ? "diverged" : "scored" },
    ...{ score: mean(means.map(([, score]) => score)), taskScores: Object.fromEntries(means) },
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
