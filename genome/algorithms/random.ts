// Random search: every proposal sampled anew. The baseline that an algorithm must beat.
import type { Grammar } from "../grammar.ts";
import { Random } from "../random.ts";
import { addGuests, type Draft, draftNew, draftSample, draftWarmStarts, shortHash } from "./proposing.ts";
import type { Algorithm, AlgorithmState } from "./types.ts";

interface RandomState extends AlgorithmState {
  readonly algorithm: "random";
  readonly seed: number;
  readonly grammar: Grammar;
  readonly firstNumber: number;
  /** Warm starts, not yet asked for. */
  readonly queue: readonly Draft[];
  /** Short hashes of every genome proposed, and of every one told from elsewhere. */
  readonly proposed: readonly string[];
}

/** Results change nothing but what counts as new, so `ask` never waits. */
export const random: Algorithm<"random", RandomState> = {
  init(setup, seed) {
    const queue = draftWarmStarts(setup);
    return {
      algorithm: "random",
      version: 1,
      seed,
      grammar: setup.grammar,
      firstNumber: setup.firstNumber,
      generation: 0,
      nextNumber: setup.firstNumber,
      queue,
      proposed: queue.map(({ hash }) => shortHash(hash)),
    };
  },

  ask(state, count) {
    const proposed = new Set(state.proposed);
    const stream = new Random(`${state.seed}/random`).split("candidate");
    const proposals = Array.from({ length: Math.max(0, count) }, (_, index) => {
      const number = state.nextNumber + index;
      const sample = (attempt: number) => draftSample(state.grammar, stream.split(number).split(attempt));
      const made = state.queue[index] ?? draftNew(proposed, sample);
      proposed.add(shortHash(made.hash));
      return { number, generation: 0, ...made };
    });
    return {
      state: {
        ...state,
        nextNumber: state.nextNumber + proposals.length,
        queue: state.queue.slice(proposals.length),
        proposed: [...proposed],
      },
      proposals,
    };
  },

  tell(state, results) {
    return { ...state, proposed: addGuests(state, results) };
  },
};
