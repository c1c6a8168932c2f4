// Firefly algorithm over genomes: everybody flies towards the brighter ones, and a little at random.
//
// Yang 2009, arXiv:1003.1466. STAR (arXiv:2411.17800) names it among what was tried and found less effective, without
// its discrete form, so these are our choices:
// - Brightness is the place in NSGA-II's order (rank, then crowding), so that it is total with several objectives.
// - The distance r of two genomes is the share of positions that differ; to fly from one towards another is to copy each
//   position that differs with probability exp(-absorption r^2), his attractiveness with beta_0 = 1.
// - A firefly visits the brighter ones from the faintest to the brightest; the brightest only mutates.
// - After a flight the brightest of old and new places stay, as in NSGA-II: fireflies never forget where it was bright.
import type { Random } from "../random.ts";
import { formatSegment } from "../text.ts";
import type { Genome } from "../types.ts";
import { draftMutant, genomeOf } from "./breeding.ts";
import { generational } from "./generational.ts";
import { selectSurvivors } from "./selection.ts";

export const firefly = generational({
  name: "firefly",
  founders: ({ population }) => population,
  children: ({ population }) => population,
  select: (contenders, { population }) => selectSurvivors(contenders, population),

  breed(population, index, setup, attempt, random) {
    const self = population[index % population.length]!;
    const from = genomeOf(self, setup.grammar);
    const parents = [self.number];
    let flown = from;
    for (const brighter of population.slice(0, index % population.length).reverse()) {
      const next = flyTowards(
        flown,
        genomeOf(brighter, setup.grammar),
        setup.options.absorption,
        random.split(brighter.number),
      );
      if (next === flown) continue;
      flown = next;
      parents.push(brighter.number);
    }
    const kind = parents.length > 1 ? "attraction" : "mutation";
    return draftMutant(flown, { kind, parents, from }, setup, attempt, random);
  },
});

/** The same object where nothing was copied. */
function flyTowards(from: Genome, to: Genome, absorption: number, random: Random): Genome {
  const differs = from.segments.map((segment, i) => {
    const other = to.segments[i];
    return other !== undefined && formatSegment(segment) !== formatSegment(other);
  });
  const distance = differs.filter(Boolean).length / differs.length;
  const copies = differs.map((different) => different && random.chance(Math.exp(-absorption * distance ** 2)));
  if (!copies.includes(true)) return from;
  return { segments: from.segments.map((segment, i) => (copies[i] ? to.segments[i]! : segment)) };
}
