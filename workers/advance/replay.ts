// Takes a stored search's decisions again, from its config and results alone, and finds where they first differ.
import { isDeepStrictEqual } from "node:util";
import { beginSearch, type KnownGenomes, type SearchConfig } from "../../genome/index.ts";
import type {
  Advance,
  AdvanceView,
  CandidateResult,
  JsonObject,
  Search,
  SearchState,
} from "../../services/platform/store/types.ts";
import { decide } from "./decide.ts";

export interface StoredSearch {
  readonly config: SearchConfig;
  readonly state: SearchState;
  readonly reason: string | null;
  readonly hypervolume: number | null;
}

export interface StoredCandidate extends Omit<CandidateResult, "id"> {
  readonly parents: readonly number[];
  readonly variation: JsonObject | Record<string, unknown>;
}

export interface Difference {
  /** Candidate number; null where the search itself differs. */
  readonly number: number | null;
  readonly field: string;
  /** Null where nothing is stored. */
  readonly stored: unknown;
  /** Null where nothing was decided. */
  readonly recomputed: unknown;
}

export interface Replayed {
  /** Candidates whose proposal was compared. */
  readonly compared: number;
  readonly difference: Difference | null;
}

const decided = [
  ...(["knownDesign", "generation", "genome", "genomeHash", "parents", "variation"] as const),
  ...(["parameters", "stateBytes", "flopsPerToken", "feasible"] as const),
] as const;

/**
 * Where the search ended before its budget, or goes on, what it has not proposed is no difference.
 * @throws RangeError for a search that is not deterministic: the order of its results is its workers' doing.
 */
export function replaySearch(search: StoredSearch, candidates: readonly StoredCandidate[]): Replayed {
  if (!search.config.deterministic) throw new RangeError("only a deterministic search can be replayed");
  const stored = new Map(candidates.map((candidate) => [candidate.number, candidate]));
  const last = Math.max(-1, ...stored.keys());
  const isWhole = search.state === "completed" && search.reason === null;

  let algorithmState: unknown = beginSearch(search.config);
  let hypervolume: number | null = null;
  let told = 0;
  let next = 0;
  let proposed = 0;
  const known = new Set<string>();
  const climbs: Climbs = new Map();
  for (;;) {
    const results = resultsFrom(stored, told, next, climbs);
    told += results.length;
    const open = openFrom(stored, told, next, climbs);
    const advance = decide(viewOf(search.config, { algorithmState, results, known, open, next, proposed }));
    const moved = followDecisions(advance, stored, climbs);
    if (moved !== null) return { compared: next, difference: moved };
    hypervolume = advance?.hypervolumes?.get(results.at(-1)?.number ?? -1) ?? hypervolume;
    for (const proposal of advance?.proposals ?? []) {
      const found = stored.get(next);
      if (found === undefined && next > last && !isWhole) return { compared: next, difference: null };
      if (found === undefined) return differs(next, next, "genome", null, proposal.genome);
      const remade = JSON.parse(JSON.stringify({ knownDesign: null, ...proposal })) as Record<string, unknown>;
      const field = decided.find((name) => !isDeepStrictEqual(found[name], remade[name]));
      if (field) return differs(next, next, field, found[field], remade[field]);
      if (proposal.isFinal === false) climbs.set(next, { rung: 0, isFinal: false, isStopped: false });
      if (proposal.pruned && found.state !== "pruned") return differs(next, next, "state", found.state, "pruned");
      next += 1;
      if (found.knownDesign !== null) continue;
      proposed += 1;
      known.add(found.genomeHash);
    }
    if (advance === null || advance.end !== undefined) break;
    algorithmState = JSON.parse(JSON.stringify(advance.algorithmState));
  }
  if (next <= last) {
    const surplus = Math.min(...[...stored.keys()].filter((number) => number >= next));
    return differs(next, surplus, "genome", stored.get(surplus)?.genome, null);
  }
  if (search.state === "completed" && !isDeepStrictEqual(search.hypervolume, hypervolume)) {
    return differs(next, null, "hypervolume", search.hypervolume, hypervolume);
  }
  return { compared: next, difference: null };
}

/** Where the candidates stand that began on a rung, by what was decided again. */
type Climbs = Map<number, { readonly rung: number; readonly isFinal: boolean; readonly isStopped: boolean }>;
type Stored = ReadonlyMap<number, StoredCandidate>;

/** As it stood before its next decision; a candidate that began with its full training is as it is stored. */
function standing(candidate: StoredCandidate, climbs: Climbs): CandidateResult {
  const result = { ...candidate, id: String(candidate.number) };
  const climb = climbs.get(candidate.number);
  if (climb === undefined) return result;
  const { rung, isFinal, isStopped } = climb;
  const rungScores = candidate.rungScores.slice(0, rung + 1);
  if (isStopped) return { ...result, rung, isFinal, rungScores, state: "pruned" };
  const rests = !isFinal && rungScores.length > rung;
  return { ...result, rung, isFinal, rungScores, state: rests ? "waiting" : candidate.state };
}

const isOpen = ({ state }: CandidateResult) => state === "waiting" || state === "running";

/** What may be told: finished candidates up to the first unfinished one. */
function resultsFrom(stored: Stored, told: number, next: number, climbs: Climbs): CandidateResult[] {
  const results: CandidateResult[] = [];
  for (let number = told; number < next; number++) {
    const candidate = stored.get(number);
    const result = candidate && standing(candidate, climbs);
    if (result === undefined || isOpen(result)) break;
    results.push(result);
  }
  return results;
}

function openFrom(stored: Stored, told: number, next: number, climbs: Climbs): CandidateResult[] {
  const untold = Array.from({ length: next - told }, (_, i) => stored.get(told + i));
  return untold.flatMap((candidate) => (candidate ? [standing(candidate, climbs)] : [])).filter(isOpen);
}

/** Notes who went on and who was stopped. What was cancelled while it waited for the decision never heard of it. */
function followDecisions(advance: Advance | null, stored: Stored, climbs: Climbs): Difference | null {
  for (const { number, rung, isFinal } of advance?.promotions ?? []) {
    const found = stored.get(number);
    if (found && found.rung < rung && found.state !== "cancelled") {
      return { number, field: "rung", stored: found.rung, recomputed: rung };
    }
    climbs.set(number, { rung, isFinal, isStopped: false });
  }
  for (const { number } of advance?.stopped ?? []) {
    const found = stored.get(number);
    const rung = climbs.get(number)?.rung ?? 0;
    if (found && found.state !== "cancelled" && (found.state !== "pruned" || found.rung !== rung)) {
      return { number, field: "state", stored: found.state, recomputed: "pruned" };
    }
    climbs.set(number, { rung, isFinal: false, isStopped: true });
  }
  return null;
}

interface Progress {
  readonly algorithmState: unknown;
  readonly results: readonly CandidateResult[];
  readonly known: KnownGenomes;
  /** Unfinished. */
  readonly open: readonly CandidateResult[];
  readonly next: number;
  readonly proposed: number;
}

/** As the store would show a search that runs. */
function viewOf(config: SearchConfig, progress: Progress): AdvanceView {
  const { algorithmState, results, known, open, next, proposed } = progress;
  const search: Search = {
    ...{
      id: "replay",
      name: config.name,
      state: "running",
      reason: null,
      config,
      generation: 0,
      proposed,
      told: next - open.length,
    },
    ...{ referencePoint: null, hypervolume: null, elapsedSeconds: 0, createdAt: "", startedAt: null, finishedAt: null },
  };
  const unfinished = { waiting: open.length, running: 0 };
  return {
    search,
    algorithmState,
    results,
    known,
    inRungs: open.filter(({ isFinal }) => !isFinal),
    unfinished,
    nextNumber: next,
    remaining: config.budget.candidates - proposed,
    // What else is paid for is no part of the decisions: it only says where they end.
    allowance: { evaluations: Infinity, flops: Infinity },
  };
}

const differs = (compared: number, number: number | null, field: string, stored: unknown, recomputed: unknown) => ({
  compared,
  difference: { number, field, stored, recomputed },
});
