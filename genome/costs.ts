// What a genome costs before anything is trained: exact, from the palette's formulas.
import type { OperatorName } from "./palette/index.ts";
import { paletteEntry, resolveOptions } from "./palette/index.ts";
import { sharingOf } from "./sharing.ts";
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

/** The same, position by position. What is shared counts where it is first used. */
export function segmentCosts(genome: Genome, shape: ModelShape, contextLength: number): SegmentCosts[] {
  const sharing = sharingOf(genome);
  return genome.segments.map((segment, index) => {
    const operator = operatorOfSegment(segment, index);
    const entry = paletteEntry(operator);
    const options = resolveOptions(operator, segment.options);
    const shared = sharing[index] ?? null;
    const isTaker = shared !== null && shared.donor !== index;
    const reuse = isTaker && shared.kind === "features" ? entry.features : undefined;
    const parameters =
      isTaker && shared.kind === "featurizer"
        ? entry.readout.parameters(options, shape)
        : entry.parameters(options, shape) - (reuse?.parameters(options, shape) ?? 0);
    const elements =
      entry.stateElements(options, shape, contextLength) - (reuse?.stateElements(options, shape, contextLength) ?? 0);
    return {
      operator,
      parameters,
      stateBytes: bytesPerElement * elements,
      flopsPerToken: entry.flopsPerToken(options, shape) - (reuse?.flopsPerToken(options, shape) ?? 0),
    };
  });
}
