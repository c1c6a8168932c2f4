// A genome as a point in space, for a predictor: what stands where, what stands beside what, how it is set, what it costs.
import { genomeCosts } from "../costs.ts";
import type { Grammar } from "../grammar.ts";
import { paletteEntry, resolveOptions } from "../palette/index.ts";
import { sharingOf } from "../sharing.ts";
import type { Genome } from "../types.ts";
import { operatorOfSegment } from "../validate.ts";

/** The features of genomes of one grammar; a genome's operators are the grammar's, and it fits the grammar's shape. */
export function featurizer({ operators, depth, shape }: Grammar, contextLength: number): (genome: Genome) => number[] {
  const count = operators.length;
  const placeOf = new Map(operators.map((name, place) => [name, place]));
  const present = depth * count;
  const pairs = present + count;
  const options = pairs + count * count;
  const optionsOf = operators.map((name) => Object.entries(paletteEntry(name).options));
  const firstOption = optionsOf.map((_, place) => options + optionsOf.slice(0, place).flat().length);
  const length = options + optionsOf.flat().length;

  /**
   * One number for each: operator at a position (0 or 1), operator anywhere (0 or 1), operator after operator (count),
   * option of an operator (mean place in the list of its values, in (0, 1]; 0 where the operator is absent), positions
   * that share weights, positions that share features, log2 of each cost.
   */
  return (genome) => {
    const features = new Array<number>(length).fill(0);
    const places = genome.segments.map((segment, position) => placeOf.get(operatorOfSegment(segment, position))!);
    const copies = operators.map((_, place) => places.filter((other) => other === place).length);
    places.forEach((place, position) => {
      features[position * count + place] = 1;
      features[present + place] = 1;
      const next = places[position + 1];
      if (next !== undefined) features[pairs + place * count + next]! += 1;
      const resolved = resolveOptions(operators[place]!, genome.segments[position]!.options);
      optionsOf[place]!.forEach(([option, allowed], index) => {
        const share = (1 + allowed.indexOf(resolved[option]!)) / allowed.length;
        features[firstOption[place]! + index]! += share / copies[place]!;
      });
    });
    const sharing = sharingOf(genome);
    const shared = (["featurizer", "features"] as const).map((kind) => sharing.filter((s) => s?.kind === kind).length);
    const { parameters, stateBytes, flopsPerToken } = genomeCosts(genome, shape, contextLength);
    const costs = [parameters, stateBytes, flopsPerToken].map((cost) => Math.log2(1 + cost));
    return [...features, ...shared, ...costs];
  };
}
