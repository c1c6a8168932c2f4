// Genomes before any search: is this one a model at that shape, and what would it cost?
import {
  canonicalGenome,
  formatGenome,
  type Genome,
  GenomeError,
  genomeCosts,
  genomeFromJson,
  genomeHash,
  type ModelShape,
  parseGenome,
  profileShapes,
  segmentCosts,
} from "../../../genome/index.ts";
import type { Api } from "../api.ts";
import { checkedGenome, genomeToCheck } from "../schemas.ts";
import { faultOf } from "../search-check.ts";
import { RequestInvalid } from "../validation.ts";

export function routeGenomes(app: Api): void {
  app.post(
    "/genomes/check",
    {
      schema: {
        tags: ["Genomes"],
        summary: "Validate and cost a genome; nothing is stored",
        body: genomeToCheck,
        response: { 200: checkedGenome },
      },
    },
    async ({ body }) => {
      const { profile, contextLength } = body;
      const shape = {
        width: body.width ?? profileShapes[profile].width,
        length: body.length ?? profileShapes[profile].length,
      };
      const genome = canonicalGenome(read(body.genome, shape));
      return {
        genome: formatGenome(genome),
        hash: genomeHash(genome),
        segments: genome.segments.map((segment) => ({ ...segment })),
        ...{ shape, contextLength },
        costs: genomeCosts(genome, shape, contextLength),
        positions: segmentCosts(genome, shape, contextLength),
      };
    },
  );
}

function read(given: string | object, shape: ModelShape): Genome {
  try {
    return typeof given === "string" ? parseGenome(given, shape) : genomeFromJson(given, shape);
  } catch (error) {
    if (!(error instanceof GenomeError)) throw error;
    throw new RequestInvalid("body", [faultOf(error, ["genome"], typeof given !== "string")]);
  }
}
