// How parents make a child: k-point crossover, mutation, repair; harder mutations where the child is not new.
import type { Grammar } from "../grammar.ts";
import type { Random } from "../random.ts";
import { parseGenome } from "../text.ts";
import type { Genome } from "../types.ts";
import { listChanges, type VariationKind } from "../variation/changes.ts";
import { crossGenomes } from "../variation/crossover.ts";
import { moveMotif } from "../variation/motifs.ts";
import { countGenes, mutateGenome } from "../variation/mutate.ts";
import { repairGenome } from "../variation/repair.ts";
import { type Draft, draft, draftSample } from "./proposing.ts";

export interface Breeding {
  readonly grammar: Grammar;
  readonly options: {
    /** Probability per gene; null changes `usualChanges` genes of a child on average, whatever its depth. */
    readonly mutationRate: number | null;
    /** Probability that a motif is moved before the genes mutate. */
    readonly motifRate: number;
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
  breeding: Breeding,
  attempt: number,
  random: Random,
): Draft {
  const [a, b] = [genomeOf(mother, breeding.grammar), genomeOf(father, breeding.grammar)];
  const crossed = crossGenomes(a, b, breeding.options.crossoverPoints ?? 0, random.split("cross"));
  const isCrossed = mother.number !== father.number;
  const parents = isCrossed ? [mother.number, father.number] : [mother.number];
  return draftMutant(
    crossed,
    { kind: isCrossed ? "crossover" : "mutation", parents, from: a },
    breeding,
    attempt,
    random,
  );
}

/** A mutant of a genome that `kind` made of the parents; its changes are against `from`, the first parent. */
export function draftMutant(
  genome: Genome,
  { kind, parents, from }: { kind: VariationKind; parents: readonly number[]; from: Genome },
  { grammar, options }: Breeding,
  attempt: number,
  random: Random,
): Draft {
  if (attempt >= lastBredAttempt) return draftSample(grammar, random);
  const stream = random.split("motif");
  const moved = stream.chance(options.motifRate) ? moveMotif(repairGenome(genome, grammar), grammar, stream) : null;
  const before = moved?.genome ?? genome;
  const usual = options.mutationRate ?? Math.min(1, usualChanges / countGenes(before, grammar));
  const rate = usual + ((1 - usual) * attempt) / lastBredAttempt;
  const child = mutateGenome(before, grammar, rate, random.split("mutate"));
  return draft(child, { kind, ...(moved && { motif: moved.motif }), parents, changes: listChanges(from, child) });
}

/** A parent's genome as the grammar has it: a guest may have another depth. */
export function genomeOf({ genome }: Pick<Parent, "genome">, grammar: Grammar): Genome {
  return repairGenome(parseGenome(genome), grammar);
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
