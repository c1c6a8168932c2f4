// What a genome costs before anything is trained: exact, from the palette's formulas.
import type { OperatorName } from "./palette/index.ts";
import { paletteEntry, resolveOptions } from "./palette/index.ts";
import type { Costs, Genome, ModelShape } from "./types.ts";
import { operatorOfSegment } from "./validate.ts";

/** State is kept in bf16. */
const bytesPerElement = 2;

export interface SegmentCosts extends Costs {
  readonly operator: OperatorName;
}

/**
 * Costs of the whole genome: parameters and FLOPs at `shape`, state bytes after `contextLength` tokens.
 * The genome must fit the shape (`validateGenome`).
 */
export function genomeCosts(genome: Genome, shape: ModelShape, contextLength: number): Costs {
  const total = { parameters: 0, stateBytes: 0, flopsPerToken: 0 };
  for (const segment of segmentCosts(genome, shape, contextLength)) {
    total.parameters += segment.parameters;
    total.stateBytes += segment.stateBytes;
    total.flopsPerToken += segment.flopsPerToken;
  }
  return total;
}

/** The same, position by position. */
export function segmentCosts(genome: Genome, shape: ModelShape, contextLength: number): SegmentCosts[] {
  return genome.segments.map((segment, index) => {
    const operator = operatorOfSegment(segment, index);
    const entry = paletteEntry(operator);
    const options = resolveOptions(operator, segment.options);
    return {
      operator,
      parameters: entry.parameters(options, shape),
      stateBytes: bytesPerElement * entry.stateElements(options, shape, contextLength),
      flopsPerToken: entry.flopsPerToken(options, shape),
    };
  });
}
