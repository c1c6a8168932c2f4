// Random genomes: every allowed depth is equally likely, and every allowed operator at a position; every option keeps its
// default half the time.
import { fitOptions, type Grammar, leastDepth, operatorsAt } from "../grammar.ts";
import { type OperatorName, paletteEntry } from "../palette/index.ts";
import type { Random } from "../random.ts";
import { unshared } from "../sharing.ts";
import type { Genome, OptionValue, Segment } from "../types.ts";
import { repairGenome } from "./repair.ts";

/** A valid, canonical genome of the grammar. */
export function sampleGenome(grammar: Grammar, random: Random): Genome {
  const least = leastDepth(grammar);
  const depth = least === grammar.depth ? least : least + random.integer(grammar.depth - least + 1);
  const segments = Array.from({ length: depth }, (_, position): Segment => {
    const operator = random.pick(operatorsAt(grammar, position));
    return {
      liv: paletteEntry(operator).liv,
      featurizerGroup: 1,
      featurizerStrategy: unshared,
      featureGroup: 1,
      featureStrategy: unshared,
      options: fitOptions(operator, sampleOptions(operator, random), grammar.shape)!,
    };
  });
  return repairGenome({ segments }, grammar);
}

function sampleOptions(operator: OperatorName, random: Random): Record<string, OptionValue> {
  const options: Record<string, OptionValue> = {};
  for (const [name, allowed] of Object.entries(paletteEntry(operator).options)) {
    if (random.chance(0.5)) options[name] = random.pick(allowed);
  }
  return options;
}
