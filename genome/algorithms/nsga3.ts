// NSGA-III, generational: NSGA-II with directions instead of crowding, for three objectives and more.
//
// Deb & Jain 2014, doi:10.1109/TEVC.2013.2281535; the selection is in `niching.ts`. Parents are drawn at random, since
// the selection leaves one for each direction; of two the one nearer to the limits (Jain & Deb 2014,
// doi:10.1109/TEVC.2013.2281534, section II-C). Elitism as in `nsga2.ts`.
import type { Random } from "../random.ts";
import { draftChild } from "./breeding.ts";
import { generational } from "./generational.ts";
import type { Member } from "./members.ts";
import { selectByNiches } from "./niching.ts";

export const nsga3 = generational({
  name: "nsga3",
  founders: ({ population }) => population,
  children: ({ population, elitism }) => Math.max(1, population - elitism),
  select: (contenders, { population, divisions }, random) => selectByNiches(contenders, population, divisions, random),

  breed(population, _, setup, attempt, random) {
    const mother = pickNearLimits(population, random.split("mother"));
    const father = pickNearLimits(population, random.split("father"));
    return draftChild({ mother, father }, setup, attempt, random);
  },
});

function pickNearLimits(population: readonly Member[], random: Random): Member {
  const [a, b] = [random.pick(population), random.pick(population)];
  const miss = ({ failed, violation }: Member) => (failed ? Number.POSITIVE_INFINITY : violation);
  return miss(b) < miss(a) ? b : a;
}
