// Every operator of the palette inside a model, trained by the traced engine and by eager tfjs.
import { describe, expect, test } from "vitest";
import { paletteEntry } from "../../../genome/index.ts";
import { buildModel } from "../../../operators/model.ts";
import type { Model } from "../../../operators/types.ts";
import { eagerEngine } from "../../../workers/engine/eager.ts";
import { onnxruntimeEngine } from "../../../workers/engine/onnxruntime.ts";
import { trainingStep } from "../../../workers/engine/steps.ts";
import type { Engine } from "../../../workers/engine/types.ts";
import { allVariants, baseVariants, type Variant } from "../../operators/variants.ts";
import { batches, trainingData } from "./tiny-model.ts";

// The middle of MAD's grid. At ten times as much some operators train chaotically, and engines part by rounding alone.
const learningRate = 5e-4;
const shape = { width: 16, length: 9 };

function modelOf({ name, options }: Variant, backbone: "language-model" | "autoencoder" = "language-model"): Model {
  const ungrouped = { featurizerGroup: 1, featurizerStrategy: 1, featureGroup: 1, featureStrategy: 1 };
  const segment = { liv: paletteEntry(name).liv, ...ungrouped, options };
  return buildModel({ segments: [segment] }, { backbone, ...shape, vocabulary: 11 });
}

async function losses(engine: Engine, model: Model, members: number, steps: number): Promise<Float32Array> {
  const sizes = { members, batch: 2, length: shape.length, rows: 6 };
  const program = await engine.compile(trainingStep(model, sizes), trainingData(model, sizes, learningRate));
  const { loss } = await program.run(steps, batches(steps, sizes));
  await program.dispose();
  return loss as Float32Array;
}

/** The largest difference of a loss, relative to that loss. */
async function disagreement(model: Model, members: number, steps: number): Promise<number> {
  const eager = await losses(eagerEngine(), model, members, steps);
  const traced = await losses(onnxruntimeEngine(), model, members, steps);
  expect(traced).toHaveLength(members * steps);
  return Math.max(...Array.from(traced, (loss, i) => Math.abs(loss / eager[i]! - 1)));
}

describe.each(baseVariants(shape))("$title", (variant) => {
  test.each([1, 2])("traced and eager losses agree over 20 steps of %d members", async (members) => {
    expect(await disagreement(modelOf(variant), members, 20)).toBeLessThan(1e-5);
  });
});

test.each(allVariants(shape))("$title: traced and eager losses agree over 3 steps", async (variant) => {
  expect(await disagreement(modelOf(variant), 1, 3)).toBeLessThan(1e-5);
});

test("the autoencoder backbone: traced and eager losses agree over 20 steps", async () => {
  const [first] = baseVariants(shape);
  expect(await disagreement(modelOf(first!, "autoencoder"), 2, 20)).toBeLessThan(1e-5);
});
