// Our operators against the records of the published code: outputs and every gradient.
import { beforeAll, expect, test } from "vitest";
import { references } from "../../operators/reference.ts";
import { type ParityResult, runParity } from "../../workers/parity.ts";
import { describeWith, referenceFolder } from "../require.ts";

describeWith("reference", "published operators", () => {
  const results: ParityResult[] = [];

  beforeAll(async () => {
    for await (const result of runParity(referenceFolder, { kinds: ["operators"] })) results.push(result);
  });

  test.each(Object.keys(references))("%s", (system) => {
    const cases = results.filter((result) => result.system === system);
    expect(cases.length).toBeGreaterThan(0);
    expect(cases.filter(({ verdict }) => verdict !== "pass")).toEqual([]);
    expect(cases.every(({ maxErrorY, maxErrorGradients }) => maxErrorY !== null && maxErrorGradients !== null)).toBe(
      true,
    );
  });

  test("what we do not compute is said to be unsupported, by name", () => {
    const others = results.filter(({ system }) => !Object.hasOwn(references, system));
    for (const { system, verdict, detail } of others) {
      expect(verdict, system).toBe("unsupported");
      expect(detail).toContain(system);
    }
  });
});
