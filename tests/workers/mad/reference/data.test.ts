import { expect, test } from "vitest";
import type { ReferenceRecord } from "../../../../operators/reference-case.ts";
import { compareMad } from "../../../../workers/mad/reference/data.ts";
import { generateMqar } from "../../../../workers/mad/tasks/mqar.ts";
import { describeWith } from "../../../require.ts";
import { recordsOf } from "../records.ts";

describeWith("reference", "records of the published generators", () => {
  const records = recordsOf("mad");

  test("there are records of the six tasks, of MQAR and of numpy's generators", () => {
    expect(new Set(records.map(({ system }) => system)).size).toBe(8);
    expect(records.length).toBeGreaterThanOrEqual(79);
  });

  test.each(records.map((record) => [`${record.system} ${record.case}`, record] as const))(
    "%s is reproduced exactly",
    async (_name, record) => {
      const { verdict, detail, maxErrorY } = await compareMad(record);
      expect(detail).toBe("");
      expect(verdict).toBe("pass");
      if (record.system !== "numpy-generator") expect(maxErrorY).toBe(0); // normal draws differ in the last digits
    },
  );

  test.each(["in-context-recall", "mqar", "numpy-generator", "memorization"])(
    "one wrong token or draw in a record of %s fails it",
    async (system) => {
      const record = records.find((candidate) => candidate.system === system) as ReferenceRecord;
      const [name, tensor] = Object.entries(record.tensors)[0] as [string, ReferenceRecord["tensors"][string]];
      const values = Float64Array.from(tensor.values as ArrayLike<number | bigint> as number[], Number);
      values[0] = (values[0] as number) + 1;
      const tampered = { dtype: "F64", shape: tensor.shape, values } as const;
      const { verdict, detail } = await compareMad({ ...record, tensors: { ...record.tensors, [name]: tampered } });
      expect(verdict).toBe("fail");
      expect(detail).toContain(name);
    },
  );

  test("another state of the generator afterwards fails a record", async () => {
    const record = records.find(({ system }) => system === "compression") as ReferenceRecord;
    const { generator_state_after: state } = record.description as { generator_state_after: object };
    const description = { ...record.description, generator_state_after: { ...state, uinteger: 1 } };
    expect(await compareMad({ ...record, description })).toMatchObject({
      verdict: "fail",
      detail: expect.stringContaining("uinteger"),
    });
  });

  test("MQAR's blanks are filled as torch's generator fills them", () => {
    const record = records.find((candidate) => candidate.case.includes("_rnd_")) as ReferenceRecord;
    const config = record.description.config as Record<string, number>;
    const { inputs } = generateMqar(
      {
        vocabulary: config.vocab_size as number,
        examples: config.num_examples as number,
        length: config.input_seq_len as number,
        pairs: config.num_kv_pairs as number,
        powerA: config.power_a as number,
        passes: 1,
        fillBlanks: true,
      },
      config.seed as number,
    );
    const { inputs: published } = record.tensors as unknown as Record<string, { values: Int32Array }>;
    expect([...inputs]).toEqual([...(published as { values: Int32Array }).values]);
  });
});

test("tasks and draws that we do not have are unsupported, not wrong", async () => {
  const uniform = { dtype: "F64", shape: [1], values: Float64Array.of(0) } as const;
  const draws = { system: "numpy-generator", case: "a", description: { config: { seed: 0 } }, tensors: { uniform } };
  expect(await compareMad(draws)).toMatchObject({ verdict: "unsupported", detail: expect.stringContaining("uniform") });
  const record = { system: "needle-in-a-haystack", case: "a", description: { config: {} }, tensors: {} };
  expect(await compareMad(record)).toMatchObject({ verdict: "unsupported" });
});
