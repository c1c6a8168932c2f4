import { expect, test } from "vitest";
import { algorithmNamed } from "../../genome/algorithms/index.ts";
import { profileShapes, setupOfSearch, shapeOfSearch } from "../../genome/search-setup.ts";
import { profileNames, searchConfig, taskNames } from "../../genome/space.ts";
import { settingsOf, widthOf } from "../../workers/mad/profiles.ts";

test.each(profileNames)("profile %s costs genomes at the width and the longest sequence it trains", (profile) => {
  const lengths = settingsOf(profile, taskNames).map(({ model }) => model.length);
  expect(profileShapes[profile]).toEqual({ width: widthOf(profile), length: Math.max(...lengths) });
});

test("a width given with the search replaces the profile's", () => {
  expect(shapeOfSearch(searchConfig.parse({ space: { width: 64 } }))).toEqual({ width: 64, length: 32 });
  expect(shapeOfSearch(searchConfig.parse({ profile: "full" }))).toEqual({ width: 128, length: 1024 });
});

test("an algorithm numbers its proposals after the known designs", () => {
  const config = searchConfig.parse({ knownDesigns: ["hyena", "mamba"] });
  const algorithm = algorithmNamed(config.algorithm.name);
  const { proposals } = algorithm.ask(algorithm.init(setupOfSearch(config), config.seed), 3);
  expect(proposals.map(({ number }) => number)).toEqual([2, 3, 4]);
});
