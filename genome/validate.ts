// Validation only answers: is this genome a model, and if not, which value is at fault. Mending is `repairGenome`.
import { GenomeError } from "./errors.ts";
import { livClasses } from "./palette/classes.ts";
import { type OperatorName, operatorNames, operatorOfClass, paletteEntry, resolveOptions } from "./palette/index.ts";
import { allWeights, donorsOf, namedFeatures, unshared } from "./sharing.ts";
import type { Genome, ModelShape, Options, Segment } from "./types.ts";

/** Segments of the largest genome that is read from text or JSON; also the largest sharing group. */
export const maxSegments = 256;

/** Throws a GenomeError at the first value that cannot work; with a shape, also where options do not fit that shape. */
export function validateGenome(genome: Genome, shape?: ModelShape): void {
  const count = genome.segments.length;
  if (count < 1 || count > maxSegments) {
    throw new GenomeError(`a genome has 1 to ${maxSegments} segments, this one has ${count}`, "/segments");
  }
  genome.segments.forEach((segment, index) => {
    validateSegment(segment, index, shape);
  });
  validateSharing(genome);
}

/** The operator of a segment; throws where its class is reserved or unknown. `index` counts from 0. */
export function operatorOfSegment(segment: Segment, index: number): OperatorName {
  const name = operatorOfClass(segment.liv);
  if (name !== null) return name;
  const known = Object.hasOwn(livClasses, segment.liv) ? livClasses[segment.liv] : undefined;
  const usable = operatorNames.map((operator) => paletteEntry(operator).liv).sort((a, b) => a - b);
  const problem =
    known === undefined
      ? `LIV class ${segment.liv} is not in the palette`
      : `LIV class ${segment.liv} (${known.star ?? known.name}) is reserved, no operator computes it yet`;
  throw new GenomeError(`segment ${index + 1}: ${problem} (allowed: ${usable.join(", ")})`, `/segments/${index}/liv`);
}

function validateSegment(segment: Segment, index: number, shape: ModelShape | undefined): void {
  const operator = operatorOfSegment(segment, index);
  for (const key of ["featurizerGroup", "featureGroup"] as const) {
    const group = segment[key];
    if (!Number.isInteger(group) || group < 1 || group > maxSegments) {
      throw new GenomeError(`segment ${index + 1}: ${key} ${group} is not in 1-${maxSegments}`, pointer(index, key));
    }
  }
  for (const key of ["featurizerStrategy", "featureStrategy"] as const) {
    const strategies = strategiesOf(operator)[key];
    const allowed = strategies.map(({ strategy, meaning }) => `${strategy} = ${meaning}`).join(", ");
    if (!strategies.some(({ strategy }) => strategy === segment[key])) {
      throw new GenomeError(
        `segment ${index + 1}: ${operator}: ${key} ${segment[key]} is not supported (allowed: ${allowed})`,
        pointer(index, key),
      );
    }
  }
  validateOptions(operator, segment.options ?? {}, index);
  if (shape === undefined) return;
  const conflict = paletteEntry(operator).conflict(resolveOptions(operator, segment.options), shape);
  if (conflict !== null) {
    throw new GenomeError(`segment ${index + 1}: ${operator}: ${conflict}`, pointer(index, "options"));
  }
}

/** What each sharing strategy of an operator means. */
export function strategiesOf(operator: OperatorName) {
  const none = { strategy: unshared, meaning: "nothing is shared" };
  const groups = paletteEntry(operator).features?.groups;
  return {
    featurizerStrategy: [none, { strategy: allWeights, meaning: "all weights but the output map's are shared" }],
    featureStrategy:
      groups === undefined
        ? [none]
        : [none, { strategy: namedFeatures, meaning: `feature groups ${groups.join(" and ")} are shared` }],
  };
}

/** Whether two segments compute features of the same kind and shape: same class, same options. */
export function canShare(a: Segment, b: Segment): boolean {
  const operator = operatorOfClass(a.liv);
  if (operator === null || a.liv !== b.liv) return false;
  const entry = paletteEntry(operator);
  const [first, second] = [a, b].map(({ options }) => {
    const resolved = resolveOptions(operator, options);
    return entry.canonical?.(resolved) ?? resolved;
  });
  return Object.keys(entry.options).every((name) => first?.[name] === second?.[name]);
}

function validateSharing(genome: Genome): void {
  const featurizers = donorsOf(genome, "featurizer");
  const features = donorsOf(genome, "features");
  genome.segments.forEach((segment, index) => {
    for (const [key, donor] of [
      ["featurizerGroup", featurizers[index] ?? null],
      ["featureGroup", features[index] ?? null],
    ] as const) {
      if (donor === null || canShare(genome.segments[donor]!, segment)) continue;
      throw new GenomeError(
        `segment ${index + 1}: ${key} ${segment[key]} is led by segment ${donor + 1}, but only segments of the same class and options can share`,
        pointer(index, key),
      );
    }
    if ((featurizers[index] ?? null) === null || (features[index] ?? null) === null) return;
    throw new GenomeError(
      `segment ${index + 1}: featurizerGroup ${segment.featurizerGroup} and featureGroup ${segment.featureGroup} both share (allowed: one of the two)`,
      pointer(index, "featureGroup"),
    );
  });
}

function validateOptions(operator: OperatorName, options: Options, index: number): void {
  const grammar = paletteEntry(operator).options;
  for (const [name, value] of Object.entries(options)) {
    const allowed = Object.hasOwn(grammar, name) ? grammar[name] : undefined;
    if (allowed === undefined) {
      const names = Object.keys(grammar).join(", ") || "none";
      throw new GenomeError(
        `segment ${index + 1}: ${operator} has no option ${name} (allowed: ${names})`,
        pointer(index, `options/${name}`),
      );
    }
    if (!allowed.includes(value)) {
      throw new GenomeError(
        `segment ${index + 1}: ${operator}: ${name} ${value} is not allowed (allowed: ${allowed.join(", ")})`,
        pointer(index, `options/${name}`),
      );
    }
  }
}

function pointer(index: number, rest: string): string {
  return `/segments/${index}/${rest}`;
}
