// Models of one operator each, for tests of their lowered steps.
import { paletteEntry } from "../../../../genome/index.ts";
import { buildModel } from "../../../../operators/model.ts";
import type { Model } from "../../../../operators/types.ts";
import type { Variant } from "../../../operators/variants.ts";

export const modelShape = { width: 16, length: 9 };

export function modelOf({ name, options }: Variant): Model {
  const ungrouped = { featurizerGroup: 1, featurizerStrategy: 1, featureGroup: 1, featureStrategy: 1 };
  const segment = { liv: paletteEntry(name).liv, ...ungrouped, options };
  return buildModel({ segments: [segment] }, { backbone: "language-model", ...modelShape, vocabulary: 11 });
}
