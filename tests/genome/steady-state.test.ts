import { describe, expect, test } from "vitest";
import { algorithmNamed, listChanges, type Proposal, parseGenome, type Result } from "../../genome/index.ts";
import { evaluate, runSearch, runWorkers, setupOf } from "./landscape.ts";

const nsga2 = setupOf("nsga2-steady-state");
const defaults = setupOf("regularized-evolution");
const aging = { ...defaults, options: { ...defaults.options, population: 16, sample: 4 } };

describe.each([nsga2, defaults])("$options.name", (setup) => {
  const algorithm = algorithmNamed(setup.options.name);

  test("a deterministic search has at most inFlight candidates under way, the first unfinished one among them", () => {
    const first = algorithm.ask(algorithm.init(setup, 1), 100);
    expect(first.proposals).toHaveLength(16);
    const results = first.proposals.map(evaluate);
    const late = algorithm.tell(first.state, results.slice(1));
    expect(algorithm.ask(late, 100).proposals).toEqual([]);
    expect(algorithm.ask(algorithm.tell(late, results.slice(0, 1)), 100).proposals).toHaveLength(16);
  });

  test("any other search goes on beside a straggler", () => {
    const first = algorithm.ask(algorithm.init({ ...setup, deterministic: false }, 1), 100);
    const late = algorithm.tell(first.state, first.proposals.slice(1).map(evaluate));
    expect(algorithm.ask(late, 100).proposals).toHaveLength(15);
  });

  test("a deterministic child has no parent among the last inFlight candidates, another may", () => {
    const youngest = (deterministic: boolean) => {
      const { proposals } = runWorkers({ ...setup, deterministic }, 2, 200, { workers: 2, delays: 1 });
      return Math.min(...proposals.flatMap(({ number, variation }) => variation.parents.map((p) => number - p)));
    };
    expect(youngest(true)).toBeGreaterThanOrEqual(16);
    expect(youngest(false)).toBeLessThan(5);
  });
});

describe("regularized evolution", () => {
  const flat = (proposal: Proposal): Result => ({ ...evaluate(proposal), objectives: [0, 0] });

  test("a child has one parent and the changes that made it", () => {
    const { proposals } = runSearch(aging, 4, 100);
    const genomeOf = new Map(proposals.map(({ number, genome }) => [number, genome]));
    for (const { genome, variation } of proposals.slice(16)) {
      expect(variation.kind).toBe("mutation");
      expect(variation.parents).toHaveLength(1);
      const parent = parseGenome(genomeOf.get(variation.parents[0]!)!);
      expect(variation.changes).toEqual(listChanges(parent, parseGenome(genome)));
    }
  });

  test("the old die, however fit", () => {
    const { proposals } = runSearch({ ...aging, deterministic: false }, 3, 200, {
      evaluate: (proposal) => ({ ...flat(proposal), objectives: proposal.number === 20 ? [-1, -1] : [0, 0] }),
    });
    const children = proposals.filter(({ variation }) => variation.parents[0] === 20).map(({ number }) => number);
    expect(children.length).toBeGreaterThan(2); // of 16, each with a chance of 1 in 4
    expect(Math.max(...children)).toBeLessThanOrEqual(36); // told one at a time, 21 to 36 are born while it lives
  });

  test("a sample as large as the population finds the fittest, a sample of one takes anybody", () => {
    const parents = (sample: number) => {
      const options = { ...aging.options, sample } as typeof aging.options;
      const setup = { ...aging, options, deterministic: false };
      // The first of a population is the fittest while it lives.
      const { proposals } = runSearch(setup, 3, 120, {
        evaluate: (proposal) => ({ ...flat(proposal), objectives: [proposal.number, 0] }),
      });
      return proposals.slice(16).map(({ number, variation }) => number - variation.parents[0]!);
    };
    expect(new Set(parents(16))).toEqual(new Set([16]));
    expect(new Set(parents(1)).size).toBeGreaterThan(12);
  });
});
