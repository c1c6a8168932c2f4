import { describe, expect, test } from "vitest";
import { featurizer } from "../../genome/algorithms/features.ts";
import { genomeCosts, parseGenome, searchConfig, toMinimized, violationOf } from "../../genome/index.ts";
import { contextLength, evaluate, grammar, runSearch, setupOf, shape } from "./landscape.ts";

const defaults = setupOf("surrogate");
const setup = { ...defaults, options: { ...defaults.options, mutants: 16 } };

describe("features", () => {
  const small = { ...grammar, depth: 3, operators: ["attention", "swiglu", "mlp"] as const };
  const featuresOf = (text: string) => featurizer(small, contextLength)(parseGenome(text));

  test("are what stands where, anywhere and after what, how it is set and what it costs", () => {
    const genome = parseGenome("11111{heads=4}-91111-91111");
    const { parameters, stateBytes, flopsPerToken } = genomeCosts(genome, shape, contextLength);
    const [places, presence, pairs] = [
      [1, 0, 0, 0, 1, 0, 0, 1, 0],
      [1, 1, 0],
      [0, 1, 0, 0, 1, 0, 0, 0, 0],
    ];
    const features = featuresOf("11111{heads=4}-91111-91111");
    expect(features.slice(0, 21)).toEqual([...places, ...presence, ...pairs]);
    expect(features.slice(-3)).toEqual([parameters, stateBytes, flopsPerToken].map((cost) => Math.log2(1 + cost)));
    expect(features.slice(-5, -3)).toEqual([0, 0]);
  });

  test("see options and sharing, and have one length", () => {
    const plain = featuresOf("11111-91111-11111");
    for (const text of ["11111{heads=4}-91111-11111", "11211-91111-11211", "11112-91111-11112", "91111"]) {
      expect(featuresOf(text)).toHaveLength(plain.length);
      expect(featuresOf(text)).not.toEqual(plain);
    }
    expect(featuresOf("11211-91111-11211").slice(-5, -3)).toEqual([2, 0]);
    expect(featuresOf("11112-91111-11112").slice(-5, -3)).toEqual([0, 2]);
  });
});

test("finds more than NSGA-II with the same few candidates", () => {
  const wins = Array.from({ length: 8 }, (_, seed) => {
    const guided = runSearch(setup, seed, 80, { batch: 8 }).hypervolume;
    return guided > runSearch(setupOf("nsga2"), seed, 80, { batch: 8 }).hypervolume;
  });
  expect(wins.filter(Boolean).length).toBeGreaterThanOrEqual(7); // by chance alone: 4 in 100
}, 240_000);

test("what would miss a limit by its costs alone is not proposed while others are bred", () => {
  const { objectives } = searchConfig.parse({
    objectives: [{ name: "score" }, { name: "stateBytes", limit: 1_000_000 }],
  });
  const limited = { ...setup, objectives };
  const violations = runSearch(limited, 3, 70, {
    evaluate: (proposal) => {
      const costs = genomeCosts(parseGenome(proposal.genome), shape, contextLength);
      const violation = violationOf(objectives, costs);
      const { objectives: told } = evaluate(proposal);
      return {
        ...evaluate(proposal),
        violation,
        objectives: toMinimized(objectives, { score: 1 - told[0]!, ...costs }),
      };
    },
  }).proposals.map(({ genome }) => violationOf(objectives, genomeCosts(parseGenome(genome), shape, contextLength)));
  const share = (list: readonly number[]) => list.filter((violation) => violation > 0).length / list.length;
  expect(share(violations.slice(0, 16))).toBeGreaterThan(0.3); // sampled
  expect(share(violations.slice(40))).toBe(0);
});
