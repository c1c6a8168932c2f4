import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { searchConfig } from "../../../genome/index.ts";
import { demoSearch } from "../../../services/cli/commands/demo.ts";
import { settingsOf } from "../../../workers/mad/profiles.ts";

const { scripts } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as {
  scripts: Record<string, string>;
};

test("npm run demo runs the demo's search, which is valid and small", () => {
  expect(scripts.demo).toBe("node services/cli/starling.mjs demo");
  const config = searchConfig.parse(demoSearch);
  expect(config.profile).toBe("smoke");
  expect(config.knownDesigns).toHaveLength(4);
  expect(config.tasks).toHaveLength(6);
  const candidates = config.budget.candidates + config.knownDesigns.length;
  expect(candidates * settingsOf(config.profile, config.tasks).length).toBeLessThanOrEqual(150);
});

test("the demo breeds: its budget is more than one population", () => {
  const { algorithm, budget } = searchConfig.parse(demoSearch);
  expect("population" in algorithm && budget.candidates).toBeGreaterThan(
    "population" in algorithm ? algorithm.population : Number.POSITIVE_INFINITY,
  );
});
