// Hand-made views of a search, as the store would show them to `decide`.
import { beginSearch, parseGenome, type SearchConfigInput, searchConfig } from "../../../genome/index.ts";
import type {
  Advance,
  AdvanceView,
  CandidateResult,
  Proposal,
  Search,
} from "../../../services/platform/store/types.ts";

export function searchOf(input: SearchConfigInput, changes: Partial<Search> = {}): Search {
  return {
    ...{ id: "search000001", name: "by hand", state: "running", reason: null, config: searchConfig.parse(input) },
    ...{ generation: 0, proposed: 0, told: 0, referencePoint: null, hypervolume: null, elapsedSeconds: 0 },
    ...{ createdAt: "2026-01-01T00:00:00.000Z", startedAt: null, finishedAt: null },
    ...changes,
  };
}

/** The first look at a search; with an earlier advance, the look after it with everything it proposed told. */
export function viewOf(search: Search, changes: Partial<AdvanceView> = {}): AdvanceView {
  return {
    search,
    algorithmState: beginSearch(search.config),
    results: [],
    known: new Set(),
    inRungs: [],
    unfinished: { waiting: 0, running: 0 },
    nextNumber: 0,
    allowance: { evaluations: Infinity, flops: Infinity },
    remaining: search.state === "running" ? search.config.budget.candidates - search.proposed : 0,
    ...changes,
  };
}

/** As if the proposal had been trained to this score. */
export function resultOf(
  { evaluations: _, variation: __, parents: ___, ...proposal }: Proposal,
  number: number,
  changes: Partial<CandidateResult> = {},
): CandidateResult {
  parseGenome(proposal.genome);
  return {
    ...{ ...proposal, number, id: `search000001-${number}`, knownDesign: proposal.knownDesign ?? null },
    ...{ state: "complete", outcome: "scored", reason: null, score: 0.5, taskScores: {}, stepMs: 5 },
    ...{ rung: 0, cohort: null, isFinal: true, rungScores: [] },
    ...changes,
  };
}

export function present(advance: Advance | null): Advance {
  if (advance === null) throw new Error("nothing was decided");
  return advance;
}
