import { describe, expect, test } from "vitest";
import {
  algorithmNamed,
  beginSearch,
  knownDesigns,
  type SearchConfigInput,
  searchConfig,
  shapeOfSearch,
} from "../../../genome/index.ts";
import { proposeKnownDesigns, proposeOffspring } from "../../../workers/advance/propose.ts";

function firstOffspring(input: SearchConfigInput, warmStart = "51111-91111-11111-91111") {
  const config = searchConfig.parse({ knownDesigns: [], ...input, warmStart: [warmStart] });
  const [proposal] = algorithmNamed("nsga2").ask(beginSearch(config).algorithm, 1).proposals;
  if (proposal === undefined) throw new Error("nothing proposed");
  return proposeOffspring(proposal, config, shapeOfSearch(config));
}

const keysOf = (input: SearchConfigInput, genome?: string) =>
  firstOffspring(input, genome).evaluations.map(({ resultKey }) => resultKey);

describe("result keys", () => {
  const base = { seed: 5, tasks: ["memorization", "compression"] } satisfies SearchConfigInput;

  test("differ from task to task", () => {
    expect(new Set(keysOf(base)).size).toBe(2);
  });

  test("are equal across searches that differ in what training does not see", () => {
    const others: SearchConfigInput[] = [
      { name: "another" },
      { budget: { candidates: 3 } },
      { objectives: [{ name: "score" }] },
      { space: { contextLength: 64 } },
      { algorithm: { name: "nsga2", population: 7 } },
      { evaluation: { timeoutSeconds: 9, memoryMb: 900 } },
      { deterministic: false },
    ];
    for (const other of others) expect(keysOf({ ...base, ...other }), JSON.stringify(other)).toEqual(keysOf(base));
    expect(keysOf({ ...base, tasks: ["compression", "memorization"] })).toEqual(keysOf(base).reverse());
  });

  test("differ where training would differ", () => {
    const others: SearchConfigInput[] = [
      { seed: 6 },
      { profile: "fast" },
      { recipe: "mad-strict" },
      { space: { width: 64 } },
    ];
    const all = [base, ...others.map((other) => ({ ...base, ...other }))].flatMap((input) => keysOf(input));
    all.push(...keysOf(base, "11111-91111-11111-91111"));
    expect(new Set(all).size).toBe(12);
  });

  test("are shared by a known design and an equal offspring", () => {
    const config = searchConfig.parse({ ...base, knownDesigns: ["mamba"] });
    const [known] = proposeKnownDesigns(config, shapeOfSearch(config));
    expect(known?.evaluations.map(({ resultKey }) => resultKey)).toEqual(keysOf(base, knownDesigns.mamba.genome));
  });
});

test("a known design keeps its own layers where the search has another depth", () => {
  const config = searchConfig.parse({ knownDesigns: ["mamba"], space: { depth: 2 } });
  const [known] = proposeKnownDesigns(config, shapeOfSearch(config));
  expect(known?.genome.split("-")).toHaveLength(4);
  expect(known).toMatchObject({
    knownDesign: "mamba",
    parents: [],
    generation: 0,
    variation: { kind: "known-design" },
  });
});
