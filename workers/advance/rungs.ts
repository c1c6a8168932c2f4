// Successive halving in a search: cohorts of candidates, who goes on to the next rung, and what that will cost.
import {
  type Contender,
  parseGenome,
  promotedOf,
  type RungMemory,
  rankContenders,
  rungPoint,
  type SearchConfig,
} from "../../genome/index.ts";
import type {
  AdvanceView,
  CandidateResult,
  Promotion,
  Proposal,
  Spending,
} from "../../services/platform/store/types.ts";
import { spendingOf } from "./budget.ts";
import { evaluationsOf, lastRung } from "./propose.ts";

/** Points that a candidate is compared with where there are no cohorts. */
const memorySize = 256;

export interface RungDecision {
  readonly promotions: readonly Promotion[];
  readonly stopped: readonly { readonly number: number; readonly message: string }[];
  readonly memory: RungMemory;
}

/**
 * In deterministic mode a cohort is decided on once all of it has finished the rung, so neither the order nor the time of
 * results changes anything; `isStalled` closes the last one, because nothing else will. Else each is decided on as it comes.
 */
export function decideRungs(
  { search, inRungs }: Pick<AdvanceView, "search" | "inRungs">,
  memory: RungMemory,
  isStalled: boolean,
): RungDecision {
  const { config, state } = search;
  if (config.fidelity === null || state !== "running") return { promotions: [], stopped: [], memory };
  return config.deterministic ? decideCohorts(config, inRungs, memory, isStalled) : decideEach(config, inRungs, memory);
}

/** Waits for a decision. */
export function isResting({ rung, isFinal, rungScores }: CandidateResult): boolean {
  return !isFinal && rungScores.length > rung;
}

/** Puts proposals that begin on a rung into cohorts: consecutive ones of one generation. */
export function joinCohorts(
  proposals: readonly Proposal[],
  memory: RungMemory,
  { fidelity, deterministic }: SearchConfig,
): { proposals: Proposal[]; memory: RungMemory } {
  if (fidelity === null || !deterministic) return { proposals: [...proposals], memory };
  let { open } = memory;
  const joined = proposals.map((proposal) => {
    if (proposal.isFinal !== false) return proposal;
    const { generation } = proposal;
    const hasRoom = open !== null && open.size < fidelity.cohort && open.generation === generation;
    open = hasRoom
      ? { ...open!, size: open!.size + 1 }
      : { cohort: open === null ? 0 : open.cohort + 1, size: 1, generation };
    return { ...proposal, cohort: open.cohort };
  });
  return { proposals: joined, memory: { ...memory, open } };
}

/** What the rungs after `rung` take. */
export function spendingAfter(
  { genome, genomeHash, rung }: Pick<CandidateResult, "genome" | "genomeHash" | "rung">,
  config: SearchConfig,
): Spending {
  const parsed = parseGenome(genome);
  const later = Array.from({ length: lastRung(config) - rung }, (_, i) => rung + 1 + i);
  return spendingOf(later.map((next) => ({ evaluations: evaluationsOf(parsed, genomeHash, config, next) })));
}

function decideCohorts(
  config: SearchConfig,
  inRungs: readonly CandidateResult[],
  memory: RungMemory,
  isStalled: boolean,
): RungDecision {
  const { eta, cohort: fullSize } = config.fidelity!;
  const isClosed = (cohort: number | null) =>
    cohort !== memory.open?.cohort || memory.open.size === fullSize || isStalled;
  const promotions: Promotion[] = [];
  const stopped: { number: number; message: string }[] = [];
  for (const cohort of new Set(inRungs.map((candidate) => candidate.cohort))) {
    const members = inRungs.filter((candidate) => candidate.cohort === cohort);
    if (!isClosed(cohort) || !members.every(isResting)) continue;
    const order = rankContenders(members.map((candidate) => contender(candidate, config)));
    const count = promotedOf(members.length, eta);
    for (const candidate of members) {
      const place = order.indexOf(candidate.number) + 1;
      if (place <= count) promotions.push(promote(candidate, config));
      else stopped.push(refuse(candidate, `place ${place} of ${members.length} in its cohort, ${count} went on`));
    }
  }
  return { promotions, stopped, memory };
}

function decideEach(config: SearchConfig, inRungs: readonly CandidateResult[], memory: RungMemory): RungDecision {
  const { eta } = config.fidelity!;
  const seen = [...memory.seen];
  const promotions: Promotion[] = [];
  const stopped: { number: number; message: string }[] = [];
  for (const candidate of inRungs.filter(isResting)) {
    const { point } = contender(candidate, config);
    const points = [...(seen[candidate.rung] ?? []), point].slice(-memorySize);
    seen[candidate.rung] = points;
    const order = rankContenders(points.map((point, number) => ({ number, point })));
    const place = order.indexOf(points.length - 1) + 1;
    if (place <= Math.max(1, Math.floor(points.length / eta))) promotions.push(promote(candidate, config));
    else stopped.push(refuse(candidate, `place ${place} of the last ${points.length} that came there`));
  }
  return { promotions, stopped, memory: { ...memory, seen } };
}

function contender(candidate: CandidateResult, config: SearchConfig): Contender {
  const score = candidate.rungScores[candidate.rung]!;
  return { number: candidate.number, point: rungPoint(config, score, candidate) };
}

function promote({ number, genome, genomeHash, rung }: CandidateResult, config: SearchConfig): Promotion {
  const parsed = parseGenome(genome);
  const of = (one: number) => evaluationsOf(parsed, genomeHash, config, one);
  const before = Array.from({ length: rung + 1 }, (_, earlier) => of(earlier).length);
  const firstPosition = before.reduce((sum, count) => sum + count, 0);
  const next = rung + 1;
  return { number, rung: next, isFinal: next === lastRung(config), firstPosition, evaluations: of(next) };
}

function refuse({ number, rung }: CandidateResult, place: string) {
  return { number, message: `stopped on rung ${rung}: ${place}` };
}
