// What every algorithm must keep, whichever it is.
import { describe, expect, test } from "vitest";
import {
  type AlgorithmName,
  algorithmNamed,
  algorithms,
  formatGenome,
  type Grammar,
  genomeHash,
  parseGenome,
  repairGenome,
} from "../../genome/index.ts";
import { evaluate, grammar, runSearch, setupOf, shape, shuffled } from "./landscape.ts";

const names = Object.keys(algorithms) as AlgorithmName[];
const throughJson = <T>(value: T): T => JSON.parse(JSON.stringify(value));

describe.each(names)("%s", (name) => {
  const algorithm = algorithmNamed(name);
  const setup = setupOf(name);

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

  test("changes no state that it was given", () => {
    const state = Object.freeze(algorithm.init(setup, 1));
    const before = JSON.stringify(state);
    const asked = algorithm.ask(state, 5);
    const between = JSON.stringify(asked.state);
    algorithm.tell(asked.state, asked.proposals.map(evaluate));
    expect(JSON.stringify(state)).toBe(before);
    expect(JSON.stringify(asked.state)).toBe(between);
  });

  test("never proposes one genome twice while the space has others", () => {
    const { proposals } = runSearch(setup, 2, 300, { batch: 16 });
    expect(new Set(proposals.map(({ hash }) => hash)).size).toBe(300);
  });

  test("goes on where the space has nothing new", () => {
    const small: Grammar = { ...grammar, depth: 1, operators: ["mlp"] }; // three genomes
    const { proposals } = runSearch({ ...setup, grammar: small }, 1, 40);
    expect(proposals).toHaveLength(40);
    expect(new Set(proposals.map(({ hash }) => hash)).size).toBe(3);
  });

  test("proposes no genome that was told from elsewhere", () => {
    const small: Grammar = { ...grammar, depth: 1, operators: ["mlp", "swiglu"] }; // four genomes
    const { options } = setup;
    const few = { ...setup, options: options.name === "nsga2" ? { ...options, population: 2 } : options };
    const genome = "91111";
    const hash = genomeHash(parseGenome(genome));
    const drawnAtOnce = name === "nsga2" ? 2 : 0; // its first population, before it is told anything
    for (let seed = 0; seed < 20; seed++) {
      const fresh = algorithm.init({ ...few, grammar: small, firstNumber: 1 }, seed);
      let state = algorithm.tell(fresh, [{ number: 0, genome, hash, objectives: [1, 1], violation: 0, ok: true }]);
      const seen: string[] = [];
      while (seen.length < 3) {
        const asked = algorithm.ask(state, 1);
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
