// MAP-Elites: one elite for each kind of genome, and children of random elites.
//
// Mouret & Clune 2015, arXiv:1504.04909. A kind is a cell of the descriptors, which are exact and need no training.
// Performance is the first objective of the search, to which the descriptors add what it costs; feasible before
// infeasible. Costs have a logarithmic scale without ends, so the archive is as large as what was found, not as a grid.
import { genomeCosts } from "../costs.ts";
import { operatorEncodings } from "../palette/encoding.ts";
import type { DescriptorName } from "../space.ts";
import { parseGenome } from "../text.ts";
import type { Costs, Genome } from "../types.ts";
import { draftChild } from "./breeding.ts";
import type { Member } from "./members.ts";
import { draftNew } from "./proposing.ts";
import { steadyState } from "./steady-state.ts";
import type { Kept } from "./types.ts";

/** In the order in which the cells were found. */
type Archive = readonly { readonly cell: string; readonly elite: Member }[];

export const mapElites = steadyState<"map-elites", Archive>({
  name: "map-elites",
  empty: [],
  founders: ({ founders }) => founders,

  learn(archive, member, setup) {
    if (member.failed) return archive;
    const cell = cellOf(member.genome, setup);
    const place = archive.findIndex((known) => known.cell === cell);
    if (place < 0) return [...archive, { cell, elite: member }];
    return isFitter(member, archive[place]!.elite) ? archive.with(place, { cell, elite: member }) : archive;
  },

  breed(archive, setup, known, random) {
    if (archive.length === 0) return null;
    return draftNew(known, (attempt) => {
      const stream = random.split(attempt);
      const mother = stream.split("mother").pick(archive).elite;
      const father = stream.split("father").pick(archive).elite;
      return draftChild({ mother, father }, setup, attempt, stream);
    });
  },
});

/** The bin of each descriptor, e.g. `23 4`. */
export function cellOf(text: string, { options, grammar, contextLength }: Kept<"map-elites">): string {
  const genome = parseGenome(text);
  const costs = genomeCosts(genome, grammar.shape, contextLength);
  return options.descriptors.map((name) => binOf[name](genome, costs, options.binsPerOctave)).join(" ");
}

const binOf = {
  stateBytes: (_, costs, perOctave) => logarithmicBin(costs.stateBytes, perOctave),
  parameters: (_, costs, perOctave) => logarithmicBin(costs.parameters, perOctave),
  flopsPerToken: (_, costs, perOctave) => logarithmicBin(costs.flopsPerToken, perOctave),
  attentionShare: ({ segments }) => Math.round((8 * segments.filter(isAttention).length) / segments.length),
} satisfies Record<DescriptorName, (genome: Genome, costs: Costs, binsPerOctave: number) => number>;

/** -1 for nothing at all. */
function logarithmicBin(cost: number, perOctave: number): number {
  return cost < 1 ? -1 : Math.floor(perOctave * Math.log2(cost));
}

/** Softmax over tokens, whatever the window and the heads. */
function isAttention({ liv }: { readonly liv: number }): boolean {
  return operatorEncodings[liv]?.nonlinearity === 2;
}

/** An infeasible member has no objectives; a failed one is in no archive. */
function isFitter(a: Member, b: Member): boolean {
  if (a.violation !== b.violation) return a.violation < b.violation;
  return a.violation === 0 && a.objectives[0]! < b.objectives[0]!;
}
