// Random search: every proposal sampled anew. The baseline that an algorithm must beat.
import { Random } from "../random.ts";
import {
  addGuests,
  type Draft,
  draftNew,
  draftSample,
  draftWarmStarts,
  keep,
  Proposed,
  shortHash,
} from "./proposing.ts";
import type { Algorithm, AlgorithmState, Kept } from "./types.ts";

interface RandomState extends AlgorithmState {
  readonly algorithm: "random";
  readonly seed: number;
  readonly setup: Kept<"random">;
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
      setup: keep(setup),
      generation: 0,
      nextNumber: setup.firstNumber,
      queue,
      proposed: queue.map(({ hash }) => shortHash(hash)),
    };
  },

  ask(state, count) {
    const proposed = new Proposed(state.proposed);
    const stream = new Random(`${state.seed}/random`).split("candidate");
    const proposals = Array.from({ length: Math.max(0, count) }, (_, index) => {
      const number = state.nextNumber + index;
      const sample = (attempt: number) => draftSample(state.setup.grammar, stream.split(number).split(attempt));
      const made = state.queue[index] ?? draftNew(proposed.hashes, sample);
      proposed.add(made.hash);
      return { number, generation: 0, ...made };
    });
    return {
      state: {
        ...state,
        nextNumber: state.nextNumber + proposals.length,
        queue: state.queue.slice(proposals.length),
        proposed: proposed.close(),
      },
      proposals,
    };
  },

  tell(state, results) {
    return { ...state, proposed: addGuests(state, results) };
  },
};
