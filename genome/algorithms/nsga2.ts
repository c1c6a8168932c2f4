// NSGA-II, generational, with STAR's variation.
//
// Deb et al. 2002, doi:10.1109/4235.996017: survivors of parents and children by rank and crowding, parents by
// tournament. STAR (arXiv:2411.17800): k-point crossover, mutation per gene, repair; with elitism e a generation of
// population n has n - e children beside its e best, so STAR's 18 generations are 16 + 18 x 14 candidates.
import { draftChild, pickByTournament } from "./breeding.ts";
import { generational } from "./generational.ts";
import { selectSurvivors } from "./selection.ts";

export const nsga2 = generational({
  name: "nsga2",
  founders: ({ population }) => population,
  children: ({ population, elitism }) => Math.max(1, population - elitism),
  select: (contenders, { population }) => selectSurvivors(contenders, population),

  breed(population, _, setup, attempt, random) {
    const mother = pickByTournament(population, setup.options, random.split("mother"));
    const father = pickByTournament(population, setup.options, random.split("father"));
    return draftChild({ mother, father }, setup, attempt, random);
  },
});
