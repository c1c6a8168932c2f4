import { expect, test } from "vitest";
import type { ReferenceRecord } from "../../operators/reference-case.ts";
import { eagerEngine } from "../../workers/engine/eager.ts";
import { onnxruntimeEngine } from "../../workers/engine/onnxruntime.ts";
import { compareTraining } from "../../workers/training-parity.ts";
import { describeWith } from "../require.ts";
import { recordsOf } from "./mad/records.ts";

describeWith("reference", "records of the training arithmetic", () => {
  const records = recordsOf("training");
  const engines = [eagerEngine(), onnxruntimeEngine()];
  const cases = engines.flatMap((engine) =>
    records.map((record) => [`${record.system} ${record.case}`, engine.name, record, engine] as const),
  );

  test("there are 14 records of 7 topics", () => {
    expect(records.length).toBeGreaterThanOrEqual(14);
    expect(new Set(records.map(({ system }) => system)).size).toBeGreaterThanOrEqual(7);
  });

  test.each(cases)("%s passes on the engine %s", async (_case, _engine, record, engine) => {
    const { verdict, detail } = await compareTraining(record, engine);
    expect(detail).toBe("");
    expect(verdict).toBe("pass");
  });

  /** One value of each topic, moved well beyond its tolerance. */
  const wrong = {
    activations: "dydx.silu",
    "adamw-cosine": "param.after",
    "default-init": "linear_37_400.weight.stats",
    groupnorm: "grad.bias",
    layernorm: "y",
    "loss-and-metrics": "accuracy_macro",
    rmsnorm: "grad.weight",
  };
  test.each(Object.entries(wrong))("a record of %s with a wrong %s fails", async (system, name) => {
    const record = records.find((candidate) => candidate.system === system) as ReferenceRecord;
    const tensor = record.tensors[name] as ReferenceRecord["tensors"][string];
    const values = Float64Array.from(tensor.values as Float64Array, (value) => 1.1 * value + 0.01);
    const tensors = { ...record.tensors, [name]: { dtype: "F64", shape: tensor.shape, values } as const };
    expect(await compareTraining({ ...record, tensors }, eagerEngine())).toMatchObject({ verdict: "fail" });
  });

  test("what we do not have is unsupported and says so", async () => {
    const adam = records.find(({ system }) => system === "adamw-cosine") as ReferenceRecord;
    const config = { ...(adam.description.config as object), betas: [0.9, 0.98] };
    const other = { ...adam, description: { ...adam.description, config } };
    expect(await compareTraining(other, eagerEngine())).toMatchObject({ verdict: "unsupported" });
    expect(await compareTraining({ ...adam, system: "lion" }, eagerEngine())).toMatchObject({ verdict: "unsupported" });
  });
});
