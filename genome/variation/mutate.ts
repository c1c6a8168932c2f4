// Mutation gene by gene: each position has one gene for its class and one for each option of its operator.
//
// A changed class keeps the options that the new operator also has. The genes of sharing groups carry no meaning while
// the only strategy is "share nothing" (`sharingStrategies`), so they are inherited and never mutated.
import { type Grammar, operatorsAt } from "../grammar.ts";
import { type OperatorName, operatorOfClass, paletteEntry, resolveOptions } from "../palette/index.ts";
import type { Random } from "../random.ts";
import type { Genome, OptionValue, Segment } from "../types.ts";
import { repairGenome } from "./repair.ts";

/** A valid genome in which each gene has taken another value with probability `rate`. */
export function mutateGenome(genome: Genome, grammar: Grammar, rate: number, random: Random): Genome {
  const { segments } = repairGenome(genome, grammar);
  const mutated = segments.map((segment, position) => {
    const withClass = random.chance(rate) ? changeClass(segment, operatorsAt(grammar, position), random) : segment;
    return changeOptions(withClass, rate, random);
  });
  return repairGenome({ segments: mutated }, grammar);
}

function changeClass(segment: Segment, allowed: readonly OperatorName[], random: Random): Segment {
  const others = allowed.map((name) => paletteEntry(name).liv).filter((liv) => liv !== segment.liv);
  return others.length === 0 ? segment : { ...segment, liv: random.pick(others) };
}

function changeOptions(segment: Segment, rate: number, random: Random): Segment {
  const operator = operatorOfClass(segment.liv)!;
  const options: Record<string, OptionValue> = { ...resolveOptions(operator, segment.options) };
  for (const [name, allowed] of Object.entries(paletteEntry(operator).options)) {
    const others = allowed.filter((value) => value !== options[name]);
    if (others.length > 0 && random.chance(rate)) options[name] = random.pick(others);
  }
  return { ...segment, options };
}
