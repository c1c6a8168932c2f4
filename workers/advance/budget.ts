// What a search can still afford: proposals are taken as long as all of their evaluations fit.
import type {
  Algorithm,
  AlgorithmState,
  KnownGenomes,
  Proposal as Offspring,
  SearchConfig,
} from "../../genome/index.ts";
import type { Proposal, Spending } from "../../services/platform/store/types.ts";

export function spendingOf(proposals: readonly Pick<Proposal, "evaluations">[]): Spending {
  const evaluations = proposals.flatMap((proposal) => proposal.evaluations);
  return { evaluations: evaluations.length, flops: evaluations.reduce((sum, { flops }) => sum + flops, 0) };
}

/** The budget that the spending would overdraw; null where it fits. */
export function overdrawn(spending: Spending, allowance: Spending): keyof Spending | null {
  if (spending.evaluations > allowance.evaluations) return "evaluations";
  return spending.flops > allowance.flops ? "flops" : null;
}

/** What proposals cost to the end of their last rung. */
export type CostOf = (proposals: readonly Proposal[]) => Spending;

export interface Affordable {
  readonly state: AlgorithmState;
  readonly proposals: readonly Proposal[];
  /** The budget that refused the next candidate; null where none did. */
  readonly refusedBy: keyof Spending | null;
}

/** Asks for at most `count` candidates; for fewer, until what it was given can be paid for. */
export function askAffordable(
  algorithm: Algorithm,
  state: AlgorithmState,
  known: KnownGenomes,
  count: number,
  allowance: Spending,
  propose: (offspring: Offspring) => Proposal,
  costOf: CostOf,
): Affordable {
  let refusedBy: Affordable["refusedBy"] = null;
  for (let wanted = count; wanted > 0; ) {
    const asked = algorithm.ask(state, wanted, known);
    const proposals = asked.proposals.map(propose);
    const fitting = countFitting(proposals, allowance, costOf);
    if (fitting === proposals.length) return { state: asked.state, proposals, refusedBy };
    refusedBy = overdrawn(costOf(proposals.slice(0, fitting + 1)), allowance);
    wanted = fitting;
  }
  return { state, proposals: [], refusedBy };
}

/** How many of the first proposals fit together. */
function countFitting(proposals: readonly Proposal[], allowance: Spending, costOf: CostOf): number {
  let count = proposals.length;
  while (count > 0 && overdrawn(costOf(proposals.slice(0, count)), allowance) !== null) count--;
  return count;
}

/** Why a search ends whose next candidate is refused. */
export function describeRefusal(budget: keyof Spending, allowance: Spending, { budget: limits }: SearchConfig): string {
  const left = allowance[budget];
  return `the budget of ${limits[budget]} ${budget} holds no other candidate: ${left} left`;
}
