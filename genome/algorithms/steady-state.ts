// Evolution without generations: every proposal is bred from what is known when it is made, so no worker waits for
// another.
//
// A deterministic search (`Setup.deterministic`) breeds candidate n from the results of the candidates up to
// n - inFlight and from no later one, in the order of their numbers: equal proposals however many workers there are and
// however late they answer, with inFlight of them busy. Any other search learns each result as it comes.
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
  Result,
} from "./types.ts";

export interface SteadyEvolution<Name extends AlgorithmName, Memory> {
  readonly name: Name;
  /** Plain JSON. */
  readonly empty: Memory;
  /** Candidates that are sampled before the first is bred, warm starts among them. */
  founders(options: AlgorithmOptions<Name>): number;
  learn(memory: Memory, member: Member, setup: Kept<Name>): Memory;
  /** A genome that is not among the known ones, if it can; null where nothing has been learnt. */
  breed(memory: Memory, setup: Kept<Name>, known: KnownGenomes, random: Random): Draft | null;
}

/** What `inFlight` bounds must be known here. */
type Steady = { [Name in AlgorithmName]: AlgorithmOptions<Name> extends { inFlight: number } ? Name : never };
export type SteadyName = Steady[AlgorithmName];

interface SteadyState<Name extends AlgorithmName, Memory> extends AlgorithmState {
  readonly seed: number;
  readonly setup: Kept<Name>;
  readonly memory: Memory;
  /** Warm starts, not yet asked for. */
  readonly queue: readonly Draft[];
  /** Numbers asked for, not yet told. */
  readonly waiting: readonly number[];
  /** Told, not yet learnt. */
  readonly arrivals: readonly Member[];
  /** Numbers told from elsewhere. */
  readonly guests: readonly number[];
}

export function steadyState<Name extends SteadyName, Memory>(
  method: SteadyEvolution<Name, Memory>,
): Algorithm<Name, SteadyState<Name, Memory>> {
  type State = SteadyState<Name, Memory>;
  const inFlightOf = ({ options }: Kept<Name>): number => (options as { inFlight: number }).inFlight;

  /** Whether the next candidate has to wait for results. */
  function mustWait({ setup, waiting, nextNumber }: State): boolean {
    if (!setup.deterministic) return waiting.length >= inFlightOf(setup);
    return waiting.some((number) => number <= nextNumber - inFlightOf(setup));
  }

  /** Learns what the next candidate may know, in the order of the numbers where it matters. */
  function learn(state: State): State {
    const { setup, arrivals, nextNumber } = state;
    const isDue = ({ number }: Member) =>
      !setup.deterministic || number <= nextNumber - inFlightOf(setup) || number < setup.firstNumber;
    const due = arrivals.filter(isDue);
    if (due.length === 0) return state;
    if (setup.deterministic) due.sort((a, b) => a.number - b.number);
    const memory = due.reduce((known, member) => method.learn(known, member, setup), state.memory);
    return { ...state, memory, arrivals: arrivals.filter((member) => !isDue(member)) };
  }

  function make({ seed, setup, memory, nextNumber }: State, known: KnownGenomes): Draft {
    const random = new Random(`${seed}/${method.name}`).split("candidate").split(nextNumber);
    const isFounder = nextNumber - setup.firstNumber < method.founders(setup.options);
    const bred = isFounder ? null : method.breed(memory, setup, known, random.split("breed"));
    return bred ?? draftNew(known, (attempt) => draftSample(setup.grammar, random.split("sample").split(attempt)));
  }

  return {
    init(setup, seed) {
      const queue = draftWarmStarts(setup);
      return {
        algorithm: method.name,
        version: 1,
        seed,
        setup: keep(setup),
        generation: 0,
        nextNumber: setup.firstNumber,
        memory: method.empty,
        queue,
        waiting: [],
        arrivals: [],
        guests: [],
      };
    },

    ask(state, count, known = new Set()) {
      const taken = withDrafts(known, state.queue);
      const proposals: Proposal[] = [];
      let present = state;
      while (proposals.length < count && !mustWait(present)) {
        present = learn(present);
        const number = present.nextNumber;
        const generation = generationOf(number - present.setup.firstNumber, method.founders(present.setup.options));
        const made = present.queue[0] ?? make(present, taken);
        taken.add(made);
        proposals.push({ number, generation, ...made });
        const queue = present.queue.slice(1);
        present = { ...present, generation, nextNumber: number + 1, queue, waiting: [...present.waiting, number] };
      }
      return { state: present, proposals };
    },

    tell(state, results) {
      const waiting = new Set(state.waiting);
      const guests = new Set(state.guests);
      const isFirst = (result: Result) => {
        if (!isGuest(state, result)) return waiting.delete(result.number);
        return !guests.has(result.number) && guests.add(result.number) !== null;
      };
      const arrivals = [...state.arrivals, ...results.filter(isFirst).map(toMember)];
      return { ...state, waiting: [...waiting], guests: [...guests], arrivals };
    },
  };
}

/** Only to count by: as many candidates as were sampled at first. */
function generationOf(index: number, founders: number): number {
  return Math.floor(index / founders);
}
