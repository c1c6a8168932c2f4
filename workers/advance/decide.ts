// One round of a search as a pure function: tell the algorithm what finished, ask it for what comes next, or end.
import {
  algorithmNamed,
  fromMinimized,
  isComparable,
  type Result,
  referencePoint,
  relativeHypervolume,
  type SearchConfig,
  type SearchMemory,
  shapeOfSearch,
  stoppedViolation,
  toMinimized,
  violationOf,
} from "../../genome/index.ts";
import type { Advance, AdvanceView, CandidateResult, Proposal, Spending } from "../../services/platform/store/types.ts";
import { askAffordable, describeRefusal, overdrawn, spendingOf } from "./budget.ts";
import { mergeIntoFront } from "./front.ts";
import { lastRung, proposeKnownDesigns, proposeOffspring } from "./propose.ts";
import { decideRungs, isResting, joinCohorts, spendingAfter } from "./rungs.ts";

/** Candidates kept waiting for workers where the algorithm sets no limit of its own (a generation). */
const window = 64;

/** Gives what is to be stored in the transaction that showed it `view`; null where nothing changes. */
export function decide(view: AdvanceView): Advance | null {
  const { config } = view.search;
  const shape = shapeOfSearch(config);
  const memory = view.algorithmState as SearchMemory;
  const reference = referencePoint(config.objectives, shape, config.space.contextLength);

  const { front, hypervolumes } = growFront(memory.front, view.results, config, reference);
  const complete = memory.complete + view.results.filter((result) => result.state === "complete").length;
  const algorithm = algorithmNamed(config.algorithm.name);
  // Known designs are the yardstick: they are measured and drawn, and do not breed.
  const told = algorithm.tell(
    memory.algorithm,
    view.results.filter(({ knownDesign }) => knownDesign === null).map((result) => toResult(result, config)),
  );

  const isFirst = view.nextNumber === 0 && view.search.state === "running";
  const yardstick = isFirst ? proposeKnownDesigns(config, shape) : [];
  const unfinished = view.unfinished.waiting + view.unfinished.running;
  const wanted = Math.max(0, Math.min(view.remaining, window - unfinished));
  const forYardstick = spendingOf(yardstick);
  if (overdrawn(forYardstick, view.allowance)) return failAtOnce(view, memory, forYardstick);

  const halving = decideRungs(view, memory.rungs, false);
  const goOn = view.inRungs.filter(({ number }) => !halving.stopped.some((one) => one.number === number));
  const reserved = [forYardstick, ...goOn.map((candidate) => spendingAfter(candidate, config))];
  const asked = askAffordable(
    ...([algorithm, told, view.known, wanted, reserved.reduce(subtract, view.allowance)] as const),
    (offspring) => proposeOffspring(offspring, config, shape),
    (proposals) => pathSpending(proposals, config),
  );
  const cohorts = joinCohorts(asked.proposals, halving.memory, config);
  const proposals = [...yardstick, ...cohorts.proposals];
  const hasMoved = proposals.length + halving.promotions.length + halving.stopped.length > 0;
  const isStalled = !hasMoved && unfinished === view.inRungs.filter(isResting).length;
  const {
    promotions,
    stopped,
    memory: rungs,
  } = isStalled ? decideRungs(view, cohorts.memory, true) : { ...halving, memory: cohorts.memory };

  const isIdle = unfinished === 0 && proposals.length === 0;
  const end = isIdle ? endOf(view, complete, asked.refusedBy) : null;
  const isStill = view.results.length + proposals.length + promotions.length + stopped.length === 0;
  if (isStill && end === null) return null;
  return {
    algorithmState: { algorithm: asked.state, front, complete, rungs } satisfies SearchMemory,
    ...{ proposals, promotions, stopped },
    generation: asked.state.generation,
    referencePoint: namedReference(config, reference),
    hypervolumes,
    ...(end && { end }),
  };
}

/** The known designs have the first numbers, so a search that cannot pay for all of them cannot begin. */
function failAtOnce({ search, allowance }: AdvanceView, memory: SearchMemory, needed: Spending): Advance {
  const budget = overdrawn(needed, allowance) ?? "evaluations";
  const reason = `the known designs need ${needed[budget]} ${budget}, and the budget is ${search.config.budget[budget]}`;
  return { algorithmState: memory, proposals: [], end: { state: "failed", reason } };
}

/** Of proposals, to the end of their last rung. */
function pathSpending(proposals: readonly Proposal[], config: SearchConfig): Spending {
  const later = proposals.filter(({ isFinal }) => isFinal === false);
  const spent = later.map((proposal) => spendingAfter({ ...proposal, rung: 0 }, config));
  return spent.reduce(add, spendingOf(proposals));
}

function add(a: Spending, b: Spending): Spending {
  return { evaluations: a.evaluations + b.evaluations, flops: a.flops + b.flops };
}

function subtract(a: Spending, b: Spending): Spending {
  return { evaluations: a.evaluations - b.evaluations, flops: a.flops - b.flops };
}

function toResult(result: CandidateResult, config: SearchConfig): Result {
  const violation = violationOf(config.objectives, result) || stopViolation(result, config);
  const ok = result.state === "complete" || (result.state === "pruned" && violation > 0);
  return {
    number: result.number,
    genome: result.genome,
    hash: result.genomeHash,
    objectives: result.score === null ? [] : toMinimized(config.objectives, result),
    violation,
    ok,
  };
}

/** 0 unless the candidate was stopped on a rung. */
function stopViolation({ state, rung, rungScores }: CandidateResult, config: SearchConfig): number {
  const score = state === "pruned" ? rungScores[rung] : undefined;
  return score === undefined ? 0 : stoppedViolation(lastRung(config) - rung, score);
}

function growFront(
  before: SearchMemory["front"],
  results: readonly CandidateResult[],
  config: SearchConfig,
  reference: readonly number[],
): { front: SearchMemory["front"]; hypervolumes: Map<number, number> } {
  let front = before;
  const hypervolumes = new Map<number, number>();
  for (const result of results) {
    if (result.state === "complete" && isComparable(config.objectives, result)) {
      front = mergeIntoFront(front, toMinimized(config.objectives, result));
    }
    hypervolumes.set(result.number, relativeHypervolume(front, reference));
  }
  return { front, hypervolumes };
}

/** Called where nothing is left to wait for and nothing was proposed. */
function endOf(view: AdvanceView, complete: number, refusedBy: keyof Spending | null): Advance["end"] | null {
  const { search, remaining, allowance } = view;
  if (search.state === "stopping") return { state: "completed", reason: search.reason ?? "stopped before its budget" };
  if (search.state !== "running") return null;
  if (complete === 0 && refusedBy !== null) {
    return { state: "failed", reason: describeRefusal(refusedBy, allowance, search.config) };
  }
  if (complete === 0) return { state: "failed", reason: "no candidate could be trained; their messages say why" };
  if (refusedBy !== null) return { state: "completed", reason: describeRefusal(refusedBy, allowance, search.config) };
  if (remaining > 0)
    return { state: "failed", reason: `the algorithm has nothing left to propose, ${remaining} short` };
  return { state: "completed", reason: null };
}

/** In the objectives' own directions, as people read it. */
function namedReference({ objectives }: SearchConfig, reference: readonly number[]): Record<string, number> {
  return Object.fromEntries(objectives.map(({ name }, i) => [name, fromMinimized(name, reference[i] ?? 0)]));
}
