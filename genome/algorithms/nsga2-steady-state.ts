// NSGA-II, steady state: each result competes at once with the population, and each child is bred from the present one.
//
// Durillo, Nebro, Luna, Alba 2009, "On the Effect of the Steady-State Selection Scheme in Multi-Objective Genetic
// Algorithms", doi:10.1007/978-3-642-01020-0_18: the population of n and one newcomer are ranked, the least fit leaves.
// With many workers a child's parents are those known when it was bred, not when it comes back.
import { draftChild, pickByTournament } from "./breeding.ts";
import type { Member } from "./members.ts";
import { draftNew } from "./proposing.ts";
import { selectSurvivors } from "./selection.ts";
import { steadyState } from "./steady-state.ts";

export const nsga2SteadyState = steadyState<"nsga2-steady-state", readonly Member[]>({
  name: "nsga2-steady-state",
  empty: [],
  founders: ({ population }) => population,
  learn: (population, member, { options }) => selectSurvivors([...population, member], options.population),

  breed(population, setup, known, random) {
    if (population.length === 0) return null;
    return draftNew(known, (attempt) => {
      const stream = random.split(attempt);
      const mother = pickByTournament(population, setup.options, stream.split("mother"));
      const father = pickByTournament(population, setup.options, stream.split("father"));
      return draftChild({ mother, father }, setup, attempt, stream);
    });
  },
});
