import { describe, expect, test } from "vitest";
import { rankFitness, selectSurvivors } from "../../genome/algorithms/selection.ts";
import { algorithmNamed, listChanges, parseGenome } from "../../genome/index.ts";
import { evaluate, runSearch, setupOf } from "./landscape.ts";

const nsga2 = algorithmNamed("nsga2");
const setup = setupOf("nsga2");

test("STAR's 18 generations are 16 + 18 x 14 candidates", () => {
  const { proposals } = runSearch(setup, 1, 16 + 18 * 14);
  expect(proposals.at(-1)?.generation).toBe(18);
  expect(proposals.filter(({ generation }) => generation === 0)).toHaveLength(16);
  expect(proposals.filter(({ generation }) => generation === 9)).toHaveLength(14);
});

test("nothing more is proposed until the whole generation has been told", () => {
  const asked = nsga2.ask(nsga2.init(setup, 1), 100);
  expect(asked.proposals).toHaveLength(16);
  expect(nsga2.ask(asked.state, 100).proposals).toEqual([]);
  const results = asked.proposals.map(evaluate);
  const almost = nsga2.tell(asked.state, results.slice(1));
  expect(nsga2.ask(almost, 100).proposals).toEqual([]);
  expect(nsga2.ask(nsga2.tell(almost, results.slice(0, 1)), 100).proposals).toHaveLength(14);
});

test("a child names its parents by number and what changed against the first", () => {
  const { proposals } = runSearch(setup, 4, 200);
  const genomeOf = new Map(proposals.map(({ number, genome }) => [number, genome]));
  const children = proposals.filter(({ generation }) => generation > 0);
  expect(new Set(children.map(({ variation }) => variation.kind))).toEqual(new Set(["crossover", "mutation"]));
  for (const { number, genome, variation } of children) {
    expect(variation.parents).toHaveLength(variation.kind === "crossover" ? 2 : 1);
    for (const parent of variation.parents) expect(parent).toBeLessThan(number);
    const mother = parseGenome(genomeOf.get(variation.parents[0]!)!);
    expect(variation.changes).toEqual(listChanges(mother, parseGenome(genome)));
    expect(variation.changes.length).toBeGreaterThan(0);
  }
});

test("a candidate from elsewhere can become a parent, also one of another depth", () => {
  const guest = { number: 0, genome: "11111-91111", hash: "g".repeat(64), objectives: [0, 0], violation: 0, ok: true };
  let state = nsga2.tell(nsga2.init({ ...setup, firstNumber: 1 }, 1), [guest, guest]);
  const first = nsga2.ask(state, 16);
  state = nsga2.tell(first.state, first.proposals.map(evaluate));
  const segmentsOf = new Map(first.proposals.map(({ number, genome }) => [number, genome.split("-")]));
  const children = nsga2.ask(state, 14).proposals.filter(({ variation }) => variation.parents[0] === 0);
  expect(children.length).toBeGreaterThan(0);
  for (const { genome } of children) expect(genome.split("-")).toHaveLength(6);
  const takesFromFather = children.some(({ genome, variation }) => {
    const father = segmentsOf.get(variation.parents[1]!);
    return genome.split("-").some((segment, position) => position > 1 && segment === father?.[position]);
  });
  expect(takesFromFather).toBe(true);
});

test("evolution leads back within the limits when none keeps them", () => {
  // The violation counts the classes from 10; the least violating survive.
  const violationOf = (genome: string) => genome.split("-").filter((segment) => segment.startsWith("[")).length;
  const { proposals } = runSearch(setup, 1, 16 + 14 * 8, {
    evaluate: (proposal) => ({ ...evaluate(proposal), objectives: [], violation: violationOf(proposal.genome) }),
  });
  const mean = (generation: number) => {
    const wave = proposals.filter((proposal) => proposal.generation === generation);
    return wave.reduce((sum, { genome }) => sum + violationOf(genome), 0) / wave.length;
  };
  expect(mean(8)).toBeLessThan(mean(0) / 2);
});

test("the state stays as small as it is: it holds a population, not the history", () => {
  const size = (generations: number) =>
    JSON.stringify(runSearch(setup, 1, 16 + 14 * generations, { batch: 16 }).state).length;
  expect(size(60)).toBeLessThan(1.1 * size(10));
});

describe("selection", () => {
  const fitness = (number: number, objectives: number[], violation = 0, failed = false) => ({
    number,
    objectives,
    violation,
    failed,
  });

  test("puts feasible before infeasible before failed, whatever their objectives", () => {
    const contenders = [
      fitness(0, [], 0, true),
      fitness(1, [0, 0], 2),
      fitness(2, [9, 9]),
      fitness(3, [0, 0], 1),
      fitness(4, [8, 8]),
    ];
    expect(selectSurvivors(contenders, 5).map(({ number }) => number)).toEqual([4, 2, 3, 1, 0]);
    expect(rankFitness(contenders).map(({ rank }) => rank)).toEqual([4, 3, 1, 2, 0]);
  });

  test("cuts the crowded ones of the last front that fits in part, equal ones by number", () => {
    const contenders = [
      fitness(0, [0, 10]),
      fitness(1, [5, 5]),
      fitness(2, [5.5, 4.5]),
      fitness(3, [1, 9]),
      fitness(4, [10, 0]),
    ];
    expect(
      selectSurvivors(contenders, 4)
        .map(({ number }) => number)
        .sort(),
    ).toEqual([0, 2, 3, 4]); // number 1 has neighbours at 0.9 of the extent, 2 and 3 at 1.0;
    const twins = [fitness(3, [1, 1]), fitness(1, [1, 1]), fitness(2, [1, 1])];
    expect(selectSurvivors(twins, 2).map(({ number }) => number)).toEqual([1, 3]);
  });

  test("of nothing is nothing", () => {
    expect(selectSurvivors([], 4)).toEqual([]);
  });
});
