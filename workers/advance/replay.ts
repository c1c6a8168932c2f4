// Takes a stored search's decisions again, from its config and results alone, and finds where they first differ.
import { isDeepStrictEqual } from "node:util";
import { beginSearch, type SearchConfig } from "../../genome/index.ts";
import type {
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
  for (;;) {
    const results = resultsFrom(stored, told, next);
    told += results.length;
    const advance = decide(viewOf(search.config, { algorithmState, results, told, next, proposed }));
    hypervolume = advance?.hypervolumes?.get(results.at(-1)?.number ?? -1) ?? hypervolume;
    for (const proposal of advance?.proposals ?? []) {
      const found = stored.get(next);
      if (found === undefined && next > last && !isWhole) return { compared: next, difference: null };
      if (found === undefined) return differs(next, next, "genome", null, proposal.genome);
      const remade = JSON.parse(JSON.stringify({ knownDesign: null, ...proposal })) as Record<string, unknown>;
      const field = decided.find((name) => !isDeepStrictEqual(found[name], remade[name]));
      if (field) return differs(next, next, field, found[field], remade[field]);
      if (proposal.pruned && found.state !== "pruned") return differs(next, next, "state", found.state, "pruned");
      next += 1;
      if (found.knownDesign === null) proposed += 1;
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

/** What may be told: finished candidates up to the first unfinished one. */
function resultsFrom(stored: ReadonlyMap<number, StoredCandidate>, told: number, next: number): CandidateResult[] {
  const results: CandidateResult[] = [];
  for (let number = told; number < next; number++) {
    const candidate = stored.get(number);
    if (candidate === undefined || candidate.state === "waiting" || candidate.state === "running") break;
    results.push({ ...candidate, id: String(number) });
  }
  return results;
}

interface Progress {
  readonly algorithmState: unknown;
  readonly results: readonly CandidateResult[];
  readonly told: number;
  readonly next: number;
  readonly proposed: number;
}

/** As the store would show a search that runs. */
function viewOf(config: SearchConfig, { algorithmState, results, told, next, proposed }: Progress): AdvanceView {
  const search: Search = {
    ...{ id: "replay", name: config.name, state: "running", reason: null, config, generation: 0, proposed, told },
    ...{ referencePoint: null, hypervolume: null, elapsedSeconds: 0, createdAt: "", startedAt: null, finishedAt: null },
  };
  const unfinished = { waiting: next - told, running: 0 };
  return {
    search,
    algorithmState,
    results,
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
