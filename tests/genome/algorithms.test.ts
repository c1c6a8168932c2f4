// What every algorithm must keep, whichever it is.
import { describe, expect, test } from "vitest";
import {
  type AlgorithmName,
  type AlgorithmState,
  algorithmNamed,
  algorithms,
  formatGenome,
  type Grammar,
  genomeHash,
  type Proposal,
  parseGenome,
  type Result,
  repairGenome,
  type Setup,
  searchConfig,
} from "../../genome/index.ts";
import { evaluate, grammar, runSearch, runWorkers, setupOf, shape, shuffled } from "./landscape.ts";

const names = Object.keys(algorithms) as AlgorithmName[];
/** They breed a generation at once and wait until all of it has been told; the others never wait for a generation. */
const generational = new Set<AlgorithmName>(["nsga2", "nsga3", "firefly"]);
const throughJson = <T>(value: T): T => JSON.parse(JSON.stringify(value));

/** With few mutants: what holds for a few predictions holds for many. */
function quickSetupOf(name: AlgorithmName): Setup {
  const setup = setupOf(name);
  return { ...setup, options: "mutants" in setup.options ? { ...setup.options, mutants: 3 } : setup.options };
}

/** A candidate with number 0 from elsewhere. */
const guestOf = (genome: string): Result => ({
  ...{ number: 0, genome, hash: genomeHash(parseGenome(genome)) },
  ...{ objectives: [1, 1], violation: 0, ok: true },
});

describe.each(names)("%s", (name) => {
  const algorithm = algorithmNamed(name);
  const setup = quickSetupOf(name);

  test("proposes canonical, valid genomes with their hashes, numbered without a gap", () => {
    const { proposals } = runSearch({ ...setup, firstNumber: 4 }, 1, 60);
    expect(proposals.map(({ number }) => number)).toEqual(proposals.map((_, index) => index + 4));
    for (const { genome, hash } of proposals) {
      const parsed = parseGenome(genome, shape);
      expect(formatGenome(repairGenome(parsed, grammar))).toBe(genome);
      expect(genomeHash(parsed)).toBe(hash);
    }
  });

  test("gives the same proposals for the same seed, others for another", () => {
    const proposals = runSearch(setup, 7, 50).proposals;
    expect(runSearch(setup, 7, 50).proposals).toEqual(proposals);
    expect(runSearch(setup, 8, 50).proposals).not.toEqual(proposals);
  });

  test("may be stored as JSON between any two calls", () => {
    const plain = runSearch(setup, 3, 50);
    const stored = runSearch(setup, 3, 50, { store: throughJson });
    expect(stored.proposals).toEqual(plain.proposals);
    expect(stored.state).toEqual(throughJson(plain.state));
  });

  test("proposes the same whatever the size of the calls and the order of the results", () => {
    const one = runSearch(setup, 5, 70).proposals;
    expect(runSearch(setup, 5, 70, { batch: 3 }).proposals).toEqual(one);
    expect(runSearch(setup, 5, 70, { batch: 100, order: shuffled(1) }).proposals).toEqual(one);
    expect(runSearch(setup, 5, 70, { batch: 7, order: (results) => [...results, ...results] }).proposals).toEqual(one);
  });

  test("proposes the same with 1, 2 and 16 workers, whatever their delays", () => {
    const one = runSearch(setup, 6, 60).proposals;
    for (const workers of [1, 2, 16]) {
      expect(runWorkers(setup, 6, 60, { workers, delays: workers }).proposals).toEqual(one);
    }
  });

  test("goes on with one objective, one position, and guests that come in the middle", () => {
    const { objectives } = searchConfig.parse({ objectives: [{ name: "score" }] });
    const narrow = { ...setup, objectives, grammar: { ...grammar, depth: 1 }, firstNumber: 2, deterministic: false };
    const single = (proposal: Proposal): Result => ({ ...evaluate(proposal), objectives: [proposal.genome.length] });
    const guest = { ...guestOf("11111{heads=8}"), objectives: [0] };
    let state = algorithm.init(narrow, 4);
    const seen: Proposal[] = [];
    while (seen.length < 30) {
      const asked = algorithm.ask(state, 4);
      seen.push(...asked.proposals);
      state = algorithm.tell(asked.state, [...asked.proposals.map(single), guest, guest]);
    }
    expect(seen.map(({ number }) => number)).toEqual(seen.map((_, index) => index + 2));
    for (const { genome } of seen) expect(parseGenome(genome, shape).segments).toHaveLength(1);
  });

  test("goes on where some candidates fail, some miss a limit and some are never trained", () => {
    const mixed = (proposal: Proposal): Result =>
      [
        evaluate(proposal),
        { ...evaluate(proposal), objectives: [], ok: false },
        { ...evaluate(proposal), violation: 0.5 },
        { ...evaluate(proposal), objectives: [], violation: 2 },
      ][proposal.number % 4]!;
    const { proposals } = runWorkers(setup, 1, 80, { workers: 5, delays: 1, evaluate: mixed });
    expect(proposals).toHaveLength(80);
    for (const { variation, number } of proposals) {
      for (const parent of variation.parents) expect(parent).toBeLessThan(number);
    }
  });

  test("a result that comes again changes nothing", () => {
    const asked = algorithm.ask(algorithm.init(setup, 1), 3);
    const told = algorithm.tell(asked.state, asked.proposals.map(evaluate));
    expect(algorithm.tell(told, asked.proposals.map(evaluate))).toEqual(told);
  });

  test("changes no state that it was given", () => {
    const state = Object.freeze(algorithm.init(setup, 1));
    const before = JSON.stringify(state);
    const asked = algorithm.ask(state, 5);
    const between = JSON.stringify(asked.state);
    algorithm.tell(asked.state, asked.proposals.map(evaluate));
    expect(JSON.stringify(state)).toBe(before);
    expect(JSON.stringify(asked.state)).toBe(between);
  });

  test("goes on from an older state as it went on before", () => {
    const older = runSearch(setup, 9, 40).state;
    const goOn = (from: AlgorithmState) => {
      let state = from;
      const seen: Proposal[] = [];
      while (seen.length < 20) {
        const asked = algorithm.ask(state, 2);
        seen.push(...asked.proposals);
        state = algorithm.tell(asked.state, asked.proposals.map(evaluate));
      }
      return seen;
    };
    const first = goOn(older);
    expect(goOn(older)).toEqual(first);
    expect(goOn(throughJson(older))).toEqual(first);
  });

  test("never proposes one genome twice while the space has others", () => {
    const { proposals } = runSearch(setup, 2, 200, { batch: 16 });
    expect(new Set(proposals.map(({ hash }) => hash)).size).toBe(200);
  });

  test("goes on where the space has nothing new", () => {
    const small: Grammar = { ...grammar, depth: 1, operators: ["mlp"] }; // three genomes
    const { proposals } = runSearch({ ...setup, grammar: small }, 1, 40);
    expect(proposals).toHaveLength(40);
    expect(new Set(proposals.map(({ hash }) => hash)).size).toBe(3);
  });

  test("proposes no genome that is known", () => {
    const small: Grammar = { ...grammar, depth: 1, operators: ["mlp", "swiglu"] }; // four genomes
    const { options } = setup;
    const few = { ...setup, options: "population" in options ? { ...options, population: 2 } : options };
    const genome = "91111";
    const drawnAtOnce = generational.has(name) ? 2 : 0; // its first population, before it is told anything
    for (let seed = 0; seed < 20; seed++) {
      const known = new Set([genomeHash(parseGenome(genome))]);
      let state = algorithm.init({ ...few, grammar: small }, seed);
      const seen: string[] = [];
      while (seen.length < 3) {
        const asked = algorithm.ask(state, 1, known);
        for (const { hash } of asked.proposals) known.add(hash);
        seen.push(...asked.proposals.map((proposal) => proposal.genome));
        state = algorithm.tell(asked.state, asked.proposals.map(evaluate));
      }
      expect(seen.slice(drawnAtOnce)).not.toContain(genome);
    }
  });

  test("begins with the warm starts, repaired where they do not follow the grammar", () => {
    const warmStart = ["11111-91111", "81111-91111-11111-91111-71111-91111", "11111-91111-11111-91111-11111-91111"];
    const { proposals } = runSearch({ ...setup, warmStart }, 1, 20);
    expect(proposals.slice(0, 3).map(({ genome, variation }) => [genome, variation.kind])).toEqual([
      ["11111-91111-11111-91111-11111-91111", "warm-start"],
      ["81111-91111-11111-91111-71111-91111", "warm-start"],
      [proposals[2]?.genome, "sampled"], // the third is the first again
    ]);
  });

  test("names the warm start that cannot be read", () => {
    expect(() => algorithm.init({ ...setup, warmStart: ["91111", "[97]1111"] }, 1)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining("warm start 2: segment 1: LIV class 97 is not in the palette"),
        pointer: "/warmStart/1",
      }),
    );
  });

  test("refuses a grammar without genomes", () => {
    const empty: Grammar = { ...grammar, layout: "pairs", operators: ["mamba"] };
    expect(() => algorithm.init({ ...setup, grammar: empty }, 1)).toThrow("no channel mixer");
  });

  test("goes on when every evaluation fails, or gives numbers that are none", () => {
    const failing = runSearch(setup, 1, 60, {
      evaluate: (proposal) => ({ ...evaluate(proposal), objectives: [], ok: false }),
    });
    expect(failing.proposals).toHaveLength(60);
    const hollow = runSearch(setup, 1, 60, {
      evaluate: (proposal) => ({ ...evaluate(proposal), objectives: [Number.NaN, 1] }),
    });
    expect(hollow.proposals).toEqual(failing.proposals);
    expect(throughJson(hollow.state)).toEqual(hollow.state); // NaN would come back as null
  });

  test("needs no objectives of a candidate that misses a limit", () => {
    const untrained = runSearch(setup, 1, 60, {
      evaluate: (proposal) => ({ ...evaluate(proposal), objectives: [], violation: 1 + (proposal.number % 3) }),
    });
    expect(untrained.proposals).toHaveLength(60);
  });

  test("asks for nothing when nothing is wanted", () => {
    const state = algorithm.init(setup, 1);
    expect(algorithm.ask(state, 0).proposals).toEqual([]);
    expect(algorithm.tell(state, [])).toEqual(state);
  });
});

test.each(names.filter((name) => !generational.has(name)))(
  "%s keeps 16 workers busy where it need not be deterministic",
  (name) => {
    const setup = { ...quickSetupOf(name), deterministic: false };
    const { proposals, idle } = runWorkers(setup, 1, 100, { workers: 16, delays: 3 });
    expect(idle).toBe(0);
    expect(new Set(proposals.map(({ hash }) => hash)).size).toBe(100);
  },
);

describe("against random search on a landscape with a known optimum", () => {
  const seeds = Array.from({ length: 12 }, (_, seed) => seed);
  const hypervolumes = (name: AlgorithmName) =>
    seeds.map((seed) => runSearch(setupOf(name), seed, 240, { batch: 16 }).hypervolume);
  const sampled = hypervolumes("random");

  // The surrogate has its own test, against NSGA-II.
  test.each(names.filter((name) => name !== "random" && name !== "surrogate"))("%s wins", (name) => {
    const wins = hypervolumes(name).filter((hypervolume, seed) => hypervolume > sampled[seed]!);
    expect(wins.length).toBeGreaterThanOrEqual(10); // by chance alone: 2 in 100
  });
});
