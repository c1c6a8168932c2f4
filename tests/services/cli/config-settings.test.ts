import { expect, test } from "vitest";
import { searchConfig } from "../../../genome/index.ts";
import { applySettings } from "../../../services/cli/config-settings.ts";

const config = searchConfig.parse({ name: "first", seed: 1 });

test("changes settings at any depth, as JSON where it is JSON, and leaves the given config alone", () => {
  const before = structuredClone(config);
  const changed = applySettings(config, [
    ...["name=a=b", "seed=7", "budget.candidates=100", 'tasks=["memorization"]'],
    ...["space.width=null", "objectives.1.limit=5000", "deterministic=false"],
  ]);
  expect(searchConfig.parse(changed)).toEqual({
    ...{ ...config, name: "a=b", seed: 7, tasks: ["memorization"], deterministic: false },
    ...{ budget: { ...config.budget, candidates: 100 }, space: { ...config.space, width: null } },
    objectives: config.objectives.map((one, index) => (index === 1 ? { ...one, limit: 5000 } : one)),
  });
  expect(config).toEqual(before);
});

test("the last of several settings of one key counts", () => {
  expect(applySettings(config, ["seed=2", "seed=3"])).toMatchObject({ seed: 3 });
});

test.each(["seed", "=3", "budget..candidates=3", ""])("refuses %j and names it", (setting) => {
  expect(() => applySettings(config, [setting])).toThrow(`Cannot read the setting "${setting}"`);
});

test("says what stands in the way of a path", () => {
  expect(() => applySettings(config, ["seed.low=3"])).toThrow('Cannot apply "seed.low=3": seed is 1.');
});

test("leaves prototypes alone", () => {
  const changed = applySettings(config, ["__proto__.polluted=1"]);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  expect(Object.keys(changed)).toContain("__proto__");
});
