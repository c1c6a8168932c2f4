// Mutation gene by gene: each position has one gene for its class and one for each option of its operator.
//
// A changed class keeps the options that the new operator also has. Where the grammar allows sharing, each position has
// one more gene for featurizer weights and one for features: it leaves the group it is in, or joins a matching position.
import { type Grammar, operatorsAt } from "../grammar.ts";
import { type OperatorName, operatorOfClass, paletteEntry, resolveOptions } from "../palette/index.ts";
import type { Random } from "../random.ts";
import { unshared } from "../sharing.ts";
import type { Genome, OptionValue, Segment } from "../types.ts";
import { canShare, strategiesOf } from "../validate.ts";
import { repairGenome } from "./repair.ts";

/**
 * A valid genome in which each gene has taken another value with probability `rate`, times the mutability that the
 * grammar gives its position.
 */
export function mutateGenome(genome: Genome, grammar: Grammar, rate: number, random: Random): Genome {
  const { segments } = repairGenome(genome, grammar);
  const rateAt = (position: number) => Math.min(1, rate * mutabilityAt(grammar, position));
  const mutated = segments.map((segment, position) => {
    const changes = random.chance(rateAt(position));
    const withClass = changes ? changeClass(segment, operatorsAt(grammar, position), random) : segment;
    return changeOptions(withClass, rateAt(position), random);
  });
  const repaired = repairGenome({ segments: mutated }, grammar);
  return grammar.sharing ? repairGenome(changeSharing(repaired, rateAt, random), grammar) : repaired;
}

/** How many genes a mutation of this genome may change, each position's times its mutability. */
export function countGenes({ segments }: Genome, grammar: Grammar): number {
  return segments.reduce((genes, { liv }, position) => {
    const options = Object.keys(paletteEntry(operatorOfClass(liv)!).options).length;
    const sharing = grammar.sharing ? Object.keys(sharingGenes).length : 0;
    return genes + mutabilityAt(grammar, position) * (1 + options + sharing);
  }, 0);
}

function mutabilityAt({ mutability }: Grammar, position: number): number {
  return mutability === undefined ? 1 : mutability[position % mutability.length]!;
}

const sharingGenes = {
  featurizer: { group: "featurizerGroup", strategy: "featurizerStrategy" },
  features: { group: "featureGroup", strategy: "featureStrategy" },
} as const;

/** A lone member of a group means nothing, so a position that joins brings its partner into the group. */
function changeSharing(genome: Genome, rateAt: (position: number) => number, random: Random): Genome {
  const segments = [...genome.segments];
  for (const kind of ["featurizer", "features"] as const) {
    const { group, strategy } = sharingGenes[kind];
    for (let position = 0; position < segments.length; position++) {
      if (!random.chance(rateAt(position))) continue;
      const segment = segments[position]!;
      if (segment[strategy] !== unshared) {
        segments[position] = { ...segment, [strategy]: unshared };
        continue;
      }
      const choices = strategiesOf(operatorOfClass(segment.liv)!)[strategy].filter(
        (known) => known.strategy !== unshared,
      );
      const partners = segments.flatMap((other, at) => (at !== position && canShare(segment, other) ? [at] : []));
      if (choices.length === 0 || partners.length === 0) continue;
      const at = random.pick(partners);
      const partner = segments[at]!;
      const genes =
        partner[strategy] === unshared
          ? { [group]: freeGroup(segments, group), [strategy]: random.pick(choices).strategy }
          : { [group]: partner[group], [strategy]: partner[strategy] };
      const other = kind === "featurizer" ? { featureStrategy: unshared } : { featurizerStrategy: unshared };
      segments[position] = { ...segment, ...other, ...genes };
      segments[at] = { ...partner, ...other, ...genes };
    }
  }
  return { segments };
}

function freeGroup(segments: readonly Segment[], group: "featurizerGroup" | "featureGroup"): number {
  const used = new Set(segments.map((segment) => segment[group]));
  return Array.from({ length: segments.length + 1 }, (_, i) => i + 1).find((number) => !used.has(number))!;
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
