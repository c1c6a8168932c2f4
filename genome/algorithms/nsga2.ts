// NSGA-II, generational, with STAR's variation.
//
// Deb et al. 2002, doi:10.1109/4235.996017: survivors of parents and children by rank and crowding, parents by
// tournament. STAR (arXiv:2411.17800): k-point crossover, mutation per gene, repair; with elitism e a generation of
// population n has n - e children beside its e best, so STAR's 18 generations are 16 + 18 x 14 candidates.
// A generation is bred at once, when the one before is complete, so the sequence of proposals depends on neither the
// size of the `ask` calls nor the order of results. Results from elsewhere (numbers this algorithm did not give out)
// compete in the selection that follows.
import type { Grammar } from "../grammar.ts";
import { Random } from "../random.ts";
import { parseGenome } from "../text.ts";
import { listChanges } from "../variation/changes.ts";
import { crossGenomes } from "../variation/crossover.ts";
import { mutateGenome } from "../variation/mutate.ts";
import { repairGenome } from "../variation/repair.ts";
import {
  addGuests,
  type Draft,
  draft,
  draftNew,
  draftSample,
  draftWarmStarts,
  isGuest,
  shortHash,
} from "./proposing.ts";
import { type Fitness, selectSurvivors } from "./selection.ts";
import type { Algorithm, AlgorithmOptions, AlgorithmState, Proposal, Result } from "./types.ts";

/** A told candidate; failed and infeasible ones have no objectives. */
interface Member extends Fitness {
  readonly genome: string;
}

interface Nsga2State extends AlgorithmState {
  readonly algorithm: "nsga2";
  readonly seed: number;
  readonly options: AlgorithmOptions<"nsga2">;
  readonly grammar: Grammar;
  readonly firstNumber: number;
  /** Survivors of the last selection, in order of fitness; empty during the first generation. */
  readonly population: readonly Member[];
  /** Bred, not yet asked for. */
  readonly queue: readonly Proposal[];
  /** Numbers asked for, not yet told. */
  readonly waiting: readonly number[];
  /** Told since the last selection. */
  readonly arrivals: readonly Member[];
  /** Short hashes of every genome proposed, and of every one told from elsewhere. */
  readonly proposed: readonly string[];
}

export const nsga2: Algorithm<"nsga2", Nsga2State> = {
  init(setup, seed) {
    const { options, grammar, firstNumber } = setup;
    const first: Draft[] = draftWarmStarts(setup);
    const proposed = new Set(first.map(({ hash }) => shortHash(hash)));
    const random = generationStream(seed, 0);
    for (let child = first.length; child < options.population; child++) {
      const made = draftNew(proposed, (attempt) => draftSample(grammar, random.split(child).split(attempt)));
      proposed.add(shortHash(made.hash));
      first.push(made);
    }
    return {
      algorithm: "nsga2",
      version: 1,
      seed,
      options,
      grammar,
      firstNumber,
      generation: 0,
      nextNumber: firstNumber + first.length,
      population: [],
      queue: first.map((made, index) => ({ number: firstNumber + index, generation: 0, ...made })),
      waiting: [],
      arrivals: [],
      proposed: [...proposed],
    };
  },

  ask(state, count) {
    const ready = state.queue.length === 0 && state.waiting.length === 0 ? breed(select(state)) : state;
    const proposals = ready.queue.slice(0, Math.max(0, count));
    return {
      state: {
        ...ready,
        queue: ready.queue.slice(proposals.length),
        waiting: [...ready.waiting, ...proposals.map(({ number }) => number)],
      },
      proposals,
    };
  },

  tell(state, results) {
    const waiting = new Set(state.waiting);
    const known = new Set([...state.population, ...state.arrivals].map(({ number }) => number));
    const arrivals = [...state.arrivals];
    for (const result of results) {
      if (isGuest(state, result) ? known.has(result.number) : !waiting.has(result.number)) continue;
      waiting.delete(result.number);
      known.add(result.number);
      arrivals.push(toMember(result));
    }
    return { ...state, waiting: [...waiting], arrivals, proposed: addGuests(state, results) };
  },
};

/** Survivors of the population and of what was told since. */
function select(state: Nsga2State): Nsga2State {
  const contenders = [...state.population, ...state.arrivals];
  return { ...state, arrivals: [], population: selectSurvivors(contenders, state.options.population) };
}

function breed(state: Nsga2State): Nsga2State {
  const { options } = state;
  const generation = state.generation + 1;
  const random = generationStream(state.seed, generation);
  const proposed = new Set(state.proposed);
  const children = Array.from({ length: Math.max(1, options.population - options.elitism) }, (_, child) => {
    const made = draftNew(proposed, (attempt) => draftChild(state, attempt, random.split(child).split(attempt)));
    proposed.add(shortHash(made.hash));
    return { number: state.nextNumber + child, generation, ...made };
  });
  return {
    ...state,
    generation,
    nextNumber: state.nextNumber + children.length,
    queue: children,
    proposed: [...proposed],
  };
}

/** From this attempt on, a child that is still not new is sampled instead of bred. */
const lastBredAttempt = 48;

/** Each refused attempt mutates harder, so that a converged population still finds new genomes. */
function draftChild({ population, options, grammar }: Nsga2State, attempt: number, random: Random): Draft {
  if (attempt >= lastBredAttempt) return draftSample(grammar, random);
  const mother = pickParent(population, options.tournament, random.split("mother"));
  const father = pickParent(population, options.tournament, random.split("father"));
  const [a, b] = [parseGenome(mother.genome), parseGenome(father.genome)];
  const aligned = [repairGenome(a, grammar), repairGenome(b, grammar)] as const; // a guest may have another depth
  const crossed = crossGenomes(...aligned, options.crossoverPoints, random.split("cross"));
  const rate = options.mutationRate + ((1 - options.mutationRate) * attempt) / lastBredAttempt;
  const child = mutateGenome(crossed, grammar, rate, random.split("mutate"));
  const isCrossed = mother.number !== father.number;
  return draft(child, {
    kind: isCrossed ? "crossover" : "mutation",
    parents: isCrossed ? [mother.number, father.number] : [mother.number],
    changes: listChanges(a, child),
  });
}

/** The fittest of a few drawn at random; the population is in order of fitness. */
function pickParent(population: readonly Member[], tournament: number, random: Random): Member {
  const drawn = Array.from({ length: tournament }, () => random.integer(population.length));
  return population[Math.min(...drawn)]!;
}

function generationStream(seed: number, generation: number): Random {
  return new Random(`${seed}/nsga2`).split("generation").split(generation);
}

function toMember({ number, genome, objectives, violation, ok }: Result): Member {
  const isFeasible = violation <= 0;
  const isUsable = ok && Number.isFinite(violation) && (!isFeasible || objectives.every(Number.isFinite));
  if (!isUsable) return { number, genome, failed: true, objectives: [], violation: 0 };
  return { number, genome, failed: false, objectives: isFeasible ? [...objectives] : [], violation };
}
