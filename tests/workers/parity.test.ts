import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type StoredTensor, writeSafetensors } from "../../operators/safetensors.ts";
import { eagerEngine } from "../../workers/engine/eager.ts";
import type { Engine } from "../../workers/engine/types.ts";
import { type ParityResult, runParity } from "../../workers/parity.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "parity "));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A linear map inside an MLP so narrow that it can be computed by hand: y = 2 gelu(3 x), x in {0, 100}. */
const tensors: Record<string, StoredTensor> = {
  x: { dtype: "F64", shape: [1, 2, 1], values: Float64Array.of(0, 100) },
  r: { dtype: "F64", shape: [1, 2, 1], values: Float64Array.of(1, 10) },
  y: { dtype: "F64", shape: [1, 2, 1], values: Float64Array.of(0, 600) },
  "param.fc.weight": { dtype: "F64", shape: [1, 1], values: Float64Array.of(3) },
  "param.proj.weight": { dtype: "F64", shape: [1, 1], values: Float64Array.of(2) },
  // gelu'(0) = 1/2, gelu'(300) = 1.
  "grad.x": { dtype: "F64", shape: [1, 2, 1], values: Float64Array.of(3, 60) },
  "grad.fc.weight": { dtype: "F64", shape: [1, 1], values: Float64Array.of(2000) },
  "grad.proj.weight": { dtype: "F64", shape: [1, 1], values: Float64Array.of(3000) },
};
const description = { config: { D: 1 }, tolerance: { float32: { rtol: 1e-5, atol: 1e-6 } } };

async function write(path: string, description: unknown, tensors: Record<string, StoredTensor> | Uint8Array) {
  await mkdir(join(folder, path, ".."), { recursive: true });
  await writeFile(join(folder, `${path}.json`), JSON.stringify(description));
  const bytes = tensors instanceof Uint8Array ? tensors : writeSafetensors(tensors);
  await writeFile(join(folder, `${path}.safetensors`), bytes);
}

async function results(engine?: Engine): Promise<ParityResult[]> {
  const all: ParityResult[] = [];
  for await (const result of runParity(folder, engine ? { engine } : {})) all.push(result);
  return all;
}

describe("a case", () => {
  test("passes where outputs and gradients agree", async () => {
    await write("operators/mlp/by-hand", description, tensors);
    const [result] = await results();
    expect(result).toMatchObject({ kind: "operators", system: "mlp", case: "by-hand", verdict: "pass", detail: "" });
    expect(result?.maxErrorY).toBeLessThan(1e-6);
    expect(result?.maxErrorGradients).toBeLessThan(1e-6);
  });

  test.each([
    ["y", [0, 600.01]],
    ["grad.x", [3.01, 60]],
    ["grad.fc.weight", [2000.1]],
    ["y", [0, Number.NaN]],
  ])("fails where %s differs, and says so", async (name, values) => {
    const wrong = { ...(tensors[name] as StoredTensor), values: Float64Array.from(values) } as StoredTensor;
    await write("operators/mlp/off", description, { ...tensors, [name]: wrong });
    const [result] = await results();
    expect(result?.verdict).toBe("fail");
    expect(result?.detail).toContain(name);
  });

  test("errors are relative to the largest magnitude of the tensor", async () => {
    const off = { ...tensors.y, values: Float64Array.of(6, 600) } as StoredTensor;
    await write("operators/mlp/off", description, { ...tensors, y: off });
    expect((await results())[0]?.maxErrorY).toBeCloseTo(0.01, 5);
  });

  test("runs on the engine that is asked for", async () => {
    await write("operators/mlp/by-hand", description, tensors);
    const eager = eagerEngine();
    const asked: string[] = [];
    const engine: Engine = {
      name: "spy",
      compile: (step, initial) => {
        asked.push(step.name);
        return eager.compile(step, initial);
      },
    };
    expect((await results(engine))[0]?.verdict).toBe("pass");
    expect(asked).toEqual(["mlp by-hand"]);
  });
});

describe("a folder never seen before", () => {
  test("every case gets a verdict, in the order of the names", async () => {
    await write("operators/mlp/a", description, tensors);
    await write("operators/unheard-of/a", description, tensors);
    await write("operators/mlp/b", { config: {} }, tensors);
    await write("rituals/rain-dance/a", {}, {});
    const verdicts = (await results()).map(({ system, case: name, verdict }) => `${system} ${name} ${verdict}`);
    expect(verdicts).toEqual(["mlp a pass", "mlp b pass", "unheard-of a unsupported", "rain-dance a unsupported"]);
  });

  test("an option that we do not have is unsupported, in a sentence", async () => {
    await write("operators/linear-attention-elu/odd", { config: { num_heads: 1, feature_map: "cosine" } }, tensors);
    const [result] = await results();
    expect(result?.verdict).toBe("unsupported");
    expect(result?.detail).toMatch(/"feature_map" is "cosine"; we have .*taylor.*\.$/);
  });

  test("malformed files fail with their name", async () => {
    await write("operators/mlp/broken-tensors", description, new Uint8Array(3));
    await write("operators/mlp/no-object", [], tensors);
    await mkdir(join(folder, "operators/mlp"), { recursive: true });
    await writeFile(join(folder, "operators/mlp/alone.json"), "{");
    await writeFile(join(folder, "operators/mlp/nameless.safetensors"), writeSafetensors(tensors));
    const all = await results();
    expect(all.map(({ case: name, verdict }) => [name, verdict])).toEqual([
      ["alone", "fail"],
      ["broken-tensors", "fail"],
      ["nameless", "fail"],
      ["no-object", "fail"],
    ]);
    const details = all.map(({ detail }) => detail);
    expect(details[0]).toContain(join("mlp", "alone.json"));
    expect(details[1]).toContain(join("mlp", "broken-tensors.safetensors"));
    expect(details[2]).toContain(join("mlp", "nameless.json"));
    expect(details[3]).toContain(join("mlp", "no-object.json"));
  });

  test("weights that do not fit together fail with what was wrong", async () => {
    const { "param.proj.weight": _, ...incomplete } = tensors;
    await write("operators/mlp/incomplete", description, incomplete);
    const misshapen: StoredTensor = { dtype: "F64", shape: [1, 2], values: Float64Array.of(2, 2) };
    await write("operators/mlp/misshapen", description, { ...tensors, "param.proj.weight": misshapen });
    const [first, second] = await results();
    expect(first?.verdict).toBe("fail");
    expect(first?.detail).toContain('there is no tensor "param.proj.weight"');
    expect(second?.verdict).toBe("fail");
  });

  test("an empty folder, or none, is an error", async () => {
    await expect(results()).rejects.toThrow(`no cases in ${folder}`);
    await mkdir(join(folder, "operators/mlp"), { recursive: true });
    await expect(results()).rejects.toThrow("expected <kind>/<system>/<case>.json inside");
  });
});
