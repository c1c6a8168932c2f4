// Evolution by generations, whatever its selection: children are bred at once, when the generation before is complete.
//
// So the sequence of proposals depends on neither the size of the `ask` calls nor the order of results. Results from
// elsewhere (numbers this algorithm did not give out) compete in the selection that follows.
import { Random } from "../random.ts";
import { type Member, toMember } from "./members.ts";
import { type Draft, draftNew, draftSample, draftWarmStarts, isGuest, keep, withDrafts } from "./proposing.ts";
import type {
  Algorithm,
  AlgorithmName,
  AlgorithmOptions,
  AlgorithmState,
  Kept,
  KnownGenomes,
  Proposal,
} from "./types.ts";

export interface Generations<Name extends AlgorithmName> {
  readonly name: Name;
  /** Genomes of the first generation. */
  founders(options: AlgorithmOptions<Name>): number;
  /** Genomes of every later generation. */
  children(options: AlgorithmOptions<Name>): number;
  /** The next population, the fitter first. */
  select(contenders: readonly Member[], options: AlgorithmOptions<Name>, random: Random): readonly Member[];
  /** Child `index` of a generation, at the given attempt to make it new. */
  breed(population: readonly Member[], index: number, setup: Kept<Name>, attempt: number, random: Random): Draft;
}

interface GenerationalState<Name extends AlgorithmName> extends AlgorithmState {
  readonly seed: number;
  readonly setup: Kept<Name>;
  /** Survivors of the last selection, the fitter first; empty during the first generation. */
  readonly population: readonly Member[];
  /** Bred, not yet asked for. */
  readonly queue: readonly Proposal[];
  /** Numbers asked for, not yet told. */
  readonly waiting: readonly number[];
  /** Told since the last selection. */
  readonly arrivals: readonly Member[];
}

export function generational<Name extends AlgorithmName>(
  method: Generations<Name>,
): Algorithm<Name, GenerationalState<Name>> {
  const streamOf = (seed: number, generation: number) =>
    new Random(`${seed}/${method.name}`).split("generation").split(generation);

  /** Survivors of the population and of what was told since, and their children. */
  function advance(state: GenerationalState<Name>, known: KnownGenomes): GenerationalState<Name> {
    const { setup } = state;
    const generation = state.generation + 1;
    const random = streamOf(state.seed, generation);
    const contenders = [...state.population, ...state.arrivals];
    const population = method.select(contenders, setup.options, random.split("select"));
    const taken = withDrafts(known);
    const children = Array.from({ length: method.children(setup.options) }, (_, child) => {
      const made = draftNew(taken, (attempt) =>
        method.breed(population, child, setup, attempt, random.split(child).split(attempt)),
      );
      taken.add(made);
      return { number: state.nextNumber + child, generation, ...made };
    });
    return {
      ...state,
      generation,
      nextNumber: state.nextNumber + children.length,
      population,
      arrivals: [],
      queue: children,
    };
  }

  return {
    init(setup, seed) {
      const { options, grammar, firstNumber } = setup;
      const first: Draft[] = draftWarmStarts(setup);
      const taken = withDrafts(new Set(), first);
      const random = streamOf(seed, 0);
      for (let child = first.length; child < method.founders(options); child++) {
        const made = draftNew(taken, (attempt) => draftSample(grammar, random.split(child).split(attempt)));
        taken.add(made);
        first.push(made);
      }
      return {
        algorithm: method.name,
        version: 1,
        seed,
        setup: keep(setup),
        generation: 0,
        nextNumber: firstNumber + first.length,
        population: [],
        queue: first.map((made, index) => ({ number: firstNumber + index, generation: 0, ...made })),
        waiting: [],
        arrivals: [],
      };
    },

    ask(state, count, known = new Set()) {
      const ready = state.queue.length === 0 && state.waiting.length === 0 ? advance(state, known) : state;
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
      return { ...state, waiting: [...waiting], arrivals };
    },
  };
}
