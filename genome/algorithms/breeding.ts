// How parents make a child: k-point crossover, mutation, repair; harder mutations where the child is not new.
import type { Grammar } from "../grammar.ts";
import type { Random } from "../random.ts";
import { parseGenome } from "../text.ts";
import { listChanges } from "../variation/changes.ts";
import { crossGenomes } from "../variation/crossover.ts";
import { countGenes, mutateGenome } from "../variation/mutate.ts";
import { repairGenome } from "../variation/repair.ts";
import { type Draft, draft, draftSample } from "./proposing.ts";

export interface Breeding {
  readonly grammar: Grammar;
  readonly options: {
    /** Probability per gene; null changes `usualChanges` genes of a child on average, whatever its depth. */
    readonly mutationRate: number | null;
    /** Absent: without crossover. */
    readonly crossoverPoints?: number;
  };
}

export interface Parent {
  readonly number: number;
  readonly genome: string;
}

/** STAR's 10 % of a gene is meant for 24 positions; on four of them one or two changes are a step that can be learnt from. */
const usualChanges = 1.5;

/** From this attempt on, a child that is still not new is sampled instead of bred. */
const lastBredAttempt = 48;

/**
 * A child whose first genes are the mother's; mother and father may be one. Each attempt mutates harder than the one
 * before, so that a converged population still finds new genomes.
 */
export function draftChild(
  { mother, father }: { mother: Parent; father: Parent },
  { grammar, options }: Breeding,
  attempt: number,
  random: Random,
): Draft {
  if (attempt >= lastBredAttempt) return draftSample(grammar, random);
  const [a, b] = [parseGenome(mother.genome), parseGenome(father.genome)];
  const aligned = [repairGenome(a, grammar), repairGenome(b, grammar)] as const; // a guest may have another depth
  const crossed = crossGenomes(...aligned, options.crossoverPoints ?? 0, random.split("cross"));
  const usual = options.mutationRate ?? Math.min(1, usualChanges / countGenes(crossed, grammar));
  const rate = usual + ((1 - usual) * attempt) / lastBredAttempt;
  const child = mutateGenome(crossed, grammar, rate, random.split("mutate"));
  const isCrossed = mother.number !== father.number;
  return draft(child, {
    kind: isCrossed ? "crossover" : "mutation",
    parents: isCrossed ? [mother.number, father.number] : [mother.number],
    changes: listChanges(a, child),
  });
}

/** The fittest of a few drawn at random from contenders in order of fitness. */
export function pickByTournament<Contender>(
  inOrder: readonly Contender[],
  { tournament }: { readonly tournament: number },
  random: Random,
): Contender {
  const drawn = Array.from({ length: tournament }, () => random.integer(inOrder.length));
  return inOrder[Math.min(...drawn)]!;
}
