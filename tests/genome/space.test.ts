import { expect, test } from "vitest";
import { checkGrammar, grammarOf, knownDesigns, operatorNames, operatorsAt, searchConfig } from "../../genome/index.ts";

test("an empty config is a whole search with STAR's numbers", () => {
  const config = searchConfig.parse({});
  expect(config.algorithm).toEqual({
    name: "nsga2",
    population: 16,
    mutationRate: 0.1,
    motifRate: 0,
    crossoverPoints: 2,
    elitism: 2,
    tournament: 3,
  });
  expect(config.space).toMatchObject({ depth: 4, layout: "free", contextLength: 4096, operators: operatorNames });
  expect(config.knownDesigns).toEqual(Object.keys(knownDesigns));
});

test.each([
  [{ budget: { candidates: 0 } }, ["budget", "candidates"]],
  [{ space: { width: 0 } }, ["space", "width"]],
  [{ space: { operators: ["attention", "lstm"] } }, ["space", "operators", 1]],
  [{ objectives: [{ name: "score" }, { name: "score" }] }, ["objectives"]],
  [{ objectives: [{ name: "score", limit: Number.POSITIVE_INFINITY }] }, ["objectives", 0, "limit"]],
  [{ algorithm: { name: "nsga2", population: 1 } }, ["algorithm", "population"]],
  [{ colour: "red" }, []],
])("%j is refused at its place", (input, path) => {
  const parsed = searchConfig.safeParse(input);
  expect(parsed.success).toBe(false);
  expect(parsed.error?.issues[0]?.path).toEqual(path);
});

test("pairs alternate sequence and channel mixers", () => {
  const { space } = searchConfig.parse({ space: { layout: "pairs", operators: ["mlp", "mamba", "swiglu", "mamba"] } });
  const grammar = grammarOf(space, { width: 32, length: 32 });
  expect([0, 1, 2, 3].map((position) => operatorsAt(grammar, position))).toEqual([
    ["mamba"],
    ["mlp", "swiglu"],
    ["mamba"],
    ["mlp", "swiglu"],
  ]);
});

test("a space without an operator for some position is refused", () => {
  const { space } = searchConfig.parse({ space: { layout: "pairs", operators: ["mamba"] } });
  expect(() => checkGrammar(grammarOf(space, { width: 32, length: 32 }))).toThrow(
    "segment 2: no channel mixer of this search fits width 32 and length 32 (allowed: mamba)",
  );
  const odd = searchConfig.parse({ space: { operators: ["sliding-attention"] } }).space;
  expect(() => checkGrammar(grammarOf(odd, { width: 33, length: 32 }))).toThrow(
    "no operator of this search fits width 33",
  );
});
