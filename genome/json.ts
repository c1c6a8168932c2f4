// The JSON form of a genome: `{ "segments": [{ "liv": 1, ..., "options": { "heads": 8 } }] }`.
import { z } from "zod";
import { GenomeError } from "./errors.ts";
import type { Genome, ModelShape, Segment } from "./types.ts";
import { maxSegments, validateGenome } from "./validate.ts";

const integer = z.number().int().min(0).max(999_999);

const segmentSchema = z.strictObject({
  liv: integer,
  featurizerGroup: integer.default(1),
  featurizerStrategy: integer.default(1),
  featureGroup: integer.default(1),
  featureStrategy: integer.default(1),
  options: z
    .record(
      z.string().regex(/^[A-Za-z][A-Za-z0-9]{0,39}$/, "is not an option's name"),
      z.union([z.number().finite(), z.string().max(80), z.boolean()]),
    )
    .refine((options) => Object.keys(options).length <= 32, "has more than 32 options")
    .optional(),
});

/** Shape and sizes only; `genomeFromJson` also checks that the genome means a model. */
export const genomeSchema = z.strictObject({ segments: z.array(segmentSchema).min(1).max(maxSegments) });

/** Reads and validates the JSON form; with a shape, the genome must also fit it. Throws GenomeError. */
export function genomeFromJson(value: unknown, shape?: ModelShape): Genome {
  refusePrototypeKeys(value);
  const parsed = genomeSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new GenomeError(issue?.message ?? "not a genome", jsonPointer(issue?.path ?? []));
  }
  const genome: Genome = { segments: parsed.data.segments.map(withoutEmptyOptions) };
  validateGenome(genome, shape);
  return genome;
}

function withoutEmptyOptions({ options, ...integers }: z.output<typeof segmentSchema>): Segment {
  return options === undefined || Object.keys(options).length === 0 ? integers : { ...integers, options };
}

/** zod passes over a key named `__proto__` in silence; such a genome is an attack or a mistake, never a model. */
function refusePrototypeKeys(value: unknown, path: (string | number)[] = []): void {
  if (typeof value !== "object" || value === null || path.length > 4) return;
  for (const key of Object.keys(value)) {
    if (key === "__proto__") throw new GenomeError("a key may not be named __proto__", jsonPointer([...path, key]));
    refusePrototypeKeys((value as Record<string, unknown>)[key], [...path, key]);
  }
}

function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
