import { describe, expect, test } from "vitest";
import { measureAlone } from "../../bench/engine/alone.ts";
import { architectureNames, genomeOf } from "../../bench/engine/architectures.ts";
import { measureStep, type Request } from "../../bench/engine/measure.ts";
import { buildModel } from "../../operators/model.ts";
import { parameterCount } from "../../workers/engine/steps.ts";

const sizes = { width: 8, length: 10, vocabulary: 4, batch: 2, members: 2 };
const request: Request = {
  ...{ engine: "onnxruntime", settings: { threads: 1 }, arch: "mlp", sizes },
  timing: { steps: 3, calls: 2 },
};

describe("a measurement", () => {
  test("has a median between its least and nothing, and the memory of its process", async () => {
    const found = await measureStep(request);
    expect(found.leastMs).toBeGreaterThan(0);
    expect(found.medianMs).toBeGreaterThanOrEqual(found.leastMs);
    expect(found.residentMegabytes).toBeGreaterThan(10);
  });

  test("in a process of its own is of the same model and counts that process alone", async () => {
    const held = Buffer.alloc(600 * 2 ** 20, 1);
    const [alone, here] = [await measureAlone(request), await measureStep(request)];
    expect(alone.parameters).toBe(here.parameters);
    expect(here.residentMegabytes - alone.residentMegabytes).toBeGreaterThan(200);
    expect(held.length).toBeGreaterThan(0);
  });

  test("says what it cannot measure, from its own process too", async () => {
    await expect(measureStep({ ...request, arch: "mamba+mamba" })).rejects.toThrow('no architecture "mamba+mamba"');
    await expect(measureAlone({ ...request, arch: "x" })).rejects.toThrow(
      'no architecture "x"; there are mh-attention',
    );
  });
});

test("the architectures are two pairs of a mixer and SwiGLU", () => {
  const shape = { width: 128, length: 128, vocabulary: 16 };
  const counts = architectureNames.map((name) =>
    parameterCount(buildModel(genomeOf(name, shape), { backbone: "language-model", ...shape })),
  );
  const [attention, hyena, , , , striped] = counts as [number, number, number, number, number, number];
  expect(2 * striped).toBe(attention + hyena);
});
