// Random search: every proposal sampled anew. The baseline that an algorithm must beat.
import { Random } from "../random.ts";
import { type Draft, draftNew, draftSample, draftWarmStarts, keep, withDrafts } from "./proposing.ts";
import type { Algorithm, AlgorithmState, Kept } from "./types.ts";

interface RandomState extends AlgorithmState {
  readonly algorithm: "random";
  readonly seed: number;
  readonly setup: Kept<"random">;
  /** Warm starts, not yet asked for. */
  readonly queue: readonly Draft[];
}

/** Results change nothing, so `ask` never waits. */
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
    };
  },

  ask(state, count, known = new Set()) {
    const taken = withDrafts(known, state.queue);
    const stream = new Random(`${state.seed}/random`).split("candidate");
    const proposals = Array.from({ length: Math.max(0, count) }, (_, index) => {
      const number = state.nextNumber + index;
      const sample = (attempt: number) => draftSample(state.setup.grammar, stream.split(number).split(attempt));
      const made = state.queue[index] ?? draftNew(taken, sample);
      taken.add(made);
      return { number, generation: 0, ...made };
    });
    return {
      state: {
        ...state,
        nextNumber: state.nextNumber + proposals.length,
        queue: state.queue.slice(proposals.length),
      },
      proposals,
    };
  },

  tell: (state) => state,
};
