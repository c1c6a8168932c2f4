// Regularized (aging) evolution: the fittest of a random sample is mutated, and the oldest member dies.
//
// Real, Aggarwal, Huang, Le 2019, arXiv:1802.01548, algorithm 1. Where we differ: their accuracy is here, with several
// objectives, the rank and the crowding within the sample; a child takes another genome's place in the order of its
// result, not of its birth; and failed candidates age like all others.
import { draftChild } from "./breeding.ts";
import type { Member } from "./members.ts";
import { draftNew } from "./proposing.ts";
import { selectSurvivors } from "./selection.ts";
import { steadyState } from "./steady-state.ts";

/** The memory is the population, the oldest first. */
export const regularizedEvolution = steadyState<"regularized-evolution", readonly Member[]>({
  name: "regularized-evolution",
  empty: [],
  founders: ({ population }) => population,
  learn: (population, member, { options }) => [...population, member].slice(-options.population),

  breed(population, setup, known, random) {
    if (population.length === 0) return null;
    return draftNew(known, (attempt) => {
      const stream = random.split(attempt);
      const sample = stream.split("sample").shuffle(population).slice(0, setup.options.sample);
      const parent = selectSurvivors(sample, 1)[0]!;
      return draftChild({ mother: parent, father: parent }, setup, attempt, stream);
    });
  },
});
