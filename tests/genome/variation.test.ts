import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatGenome,
  type Genome,
  type Grammar,
  leastDepth,
  listChanges,
  operatorOfSegment,
  operatorsAt,
  parseGenome,
  Random,
  repairGenome,
  sampleGenome,
  validateGenome,
} from "../../genome/index.ts";
import { crossGenomes } from "../../genome/variation/crossover.ts";
import { countGenes, mutateGenome } from "../../genome/variation/mutate.ts";
import { grammars, looseGenomes, sampledGenomes } from "./arbitraries.ts";

const free: Grammar = {
  depth: 4,
  operators: ["attention", "hyena", "mamba", "swiglu"],
  layout: "free",
  shape: { width: 64, length: 32 },
};

function expectValid(genome: Genome, grammar: Grammar): void {
  validateGenome(genome, grammar.shape);
  expect(genome.segments.length).toBeLessThanOrEqual(grammar.depth);
  expect(genome.segments.length).toBeGreaterThanOrEqual(leastDepth(grammar));
  genome.segments.forEach((segment, position) => {
    expect(operatorsAt(grammar, position)).toContain(operatorOfSegment(segment, position));
  });
}

describe("repair", () => {
  test("turns anything into a valid genome, and repairing twice is repairing once", () => {
    fc.assert(
      fc.property(looseGenomes, grammars, (loose, grammar) => {
        const repaired = repairGenome(loose, grammar);
        expectValid(repaired, grammar);
        expect(repairGenome(repaired, grammar)).toEqual(repaired);
        expect(parseGenome(formatGenome(repaired))).toEqual(repaired);
      }),
      { numRuns: 1500 },
    );
  });

  test("leaves a valid genome as it is", () => {
    fc.assert(
      fc.property(sampledGenomes, ({ genome, grammar }) => {
        expect(repairGenome(genome, grammar)).toEqual(genome);
      }),
    );
  });

  test("changes the option that is cheapest to change, as little as it can", () => {
    const repair = (text: string, width: number) =>
      formatGenome(repairGenome(parseGenome(text), { ...free, depth: 1, shape: { width, length: 32 } }));
    expect(repair("11111", 24)).toBe("11111{heads=4}"); // 8 divides 24, but leaves an odd head width of 3
    expect(repair("11111{heads=4,kvHeads=8}", 64)).toBe("11111{heads=4}");
    expect(repair("11111{heads=8,kvHeads=4}", 24)).toBe("11111{heads=4}"); // kvHeads = heads is written as the default
    expect(repair("11111{heads=1}", 9)).toBe("11111{heads=1,rotary=false}");
  });

  test("leaves a length alone that the grammar allows", () => {
    const open = { ...free, minDepth: 2 };
    for (const text of ["81111-91111", "81111-91111-51111", "81111-91111-51111-11111"]) {
      expect(formatGenome(repairGenome(parseGenome(text), open))).toBe(text);
    }
    expect(formatGenome(repairGenome(parseGenome("81111"), open))).toBe("81111-81111");
  });

  test("cuts what is too long and repeats what is too short", () => {
    const repair = (text: string, depth: number) => formatGenome(repairGenome(parseGenome(text), { ...free, depth }));
    expect(repair("81111-91111-11111", 2)).toBe("81111-91111");
    expect(repair("81111-91111", 5)).toBe("81111-91111-81111-91111-81111");
  });
});

describe("sampling", () => {
  test("gives valid genomes of the grammar, the same for the same seed", () => {
    fc.assert(
      fc.property(grammars, fc.integer(), (grammar, seed) => {
        const genome = sampleGenome(grammar, new Random(seed));
        expectValid(genome, grammar);
        expect(sampleGenome(grammar, new Random(seed))).toEqual(genome);
      }),
      { numRuns: 1000 },
    );
  });

  test("reaches every operator of the space about equally often", () => {
    const random = new Random("even");
    const counts = new Map<string, number>();
    for (let i = 0; i < 1000; i++) {
      for (const [index, segment] of sampleGenome(free, random).segments.entries()) {
        const name = operatorOfSegment(segment, index);
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
    }
    expect([...counts.keys()].sort()).toEqual([...free.operators].sort());
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(140); // 5 standard deviations
  });
});

describe("mutation", () => {
  test("gives valid genomes, the same for the same seed", () => {
    fc.assert(
      fc.property(sampledGenomes, fc.double({ min: 0, max: 1, noNaN: true }), fc.integer(), (sampled, rate, seed) => {
        const { genome, grammar } = sampled;
        const child = mutateGenome(genome, grammar, rate, new Random(seed));
        expectValid(child, grammar);
        expect(mutateGenome(genome, grammar, rate, new Random(seed))).toEqual(child);
      }),
      { numRuns: 1000 },
    );
  });

  test("changes nothing at rate 0 and every class at rate 1", () => {
    const genome = parseGenome("11111-91111-51111-81111");
    expect(mutateGenome(genome, free, 0, new Random(1))).toEqual(genome);
    const child = mutateGenome(genome, free, 1, new Random(1));
    genome.segments.forEach((segment, position) => {
      expect(child.segments[position]?.liv).not.toBe(segment.liv);
    });
  });

  test("changes a share of the genes that is the rate", () => {
    const random = new Random("rate");
    const genome = parseGenome("51111-51111-51111-51111"); // Mamba: a class and three options per position
    let classes = 0;
    let options = 0;
    for (let i = 0; i < 2000; i++) {
      for (const { gene } of listChanges(genome, mutateGenome(genome, free, 0.1, random))) {
        if (gene === "liv") classes++;
      }
      const tuned = mutateGenome(genome, { ...free, operators: ["mamba"] }, 0.1, random);
      options += listChanges(genome, tuned).length;
    }
    expect(Math.abs(classes / 8000 - 0.1)).toBeLessThan(0.017);
    expect(Math.abs(options / 24_000 - 0.1)).toBeLessThan(0.01);
  });

  test("a position's mutability scales its rate, and 0 keeps it", () => {
    const random = new Random("mutability");
    const genome = parseGenome("51111-51111-51111-51111");
    const grammar = { ...free, sharing: true, mutability: [0, 1, 4] }; // the fourth position is 0 again
    const changed = [0, 0, 0, 0];
    for (let i = 0; i < 2000; i++) {
      for (const { position, gene } of listChanges(genome, mutateGenome(genome, grammar, 0.1, random))) {
        if (gene === "liv") changed[position]!++;
      }
    }
    expect([changed[0], changed[3]]).toEqual([0, 0]);
    expect(Math.abs(changed[1]! / 2000 - 0.1)).toBeLessThan(0.034); // 5 standard deviations
    expect(Math.abs(changed[2]! / 2000 - 0.4)).toBeLessThan(0.055);
    expect(countGenes(genome, grammar)).toBe((0 + 1 + 4 + 0) * 6); // class, three options, two sharing genes
  });

  test("a changed class keeps the options that both operators have", () => {
    const grammar: Grammar = { ...free, depth: 1, operators: ["attention", "linear-attention"] };
    const genome = parseGenome("11111{heads=4}");
    const child = Array.from({ length: 200 }, (_, seed) => mutateGenome(genome, grammar, 0.3, new Random(seed)));
    const changed = child.filter(({ segments }) => segments[0]?.liv === 19);
    expect(changed.length).toBeGreaterThan(10);
    expect(changed.filter(({ segments }) => segments[0]?.options?.heads === 4).length).toBeGreaterThan(
      changed.length / 2,
    );
  });
});

describe("crossover", () => {
  test("takes each segment from the same position of one parent, with at most k changes of parent", () => {
    fc.assert(
      fc.property(
        sampledGenomes,
        fc.integer(),
        fc.integer({ min: 1, max: 16 }),
        ({ genome: a, grammar }, seed, points) => {
          const b = sampleGenome(grammar, new Random(seed));
          const child = crossGenomes(a, b, points, new Random(seed));
          let changes = 0;
          let fromA = true;
          const common = Math.min(a.segments.length, b.segments.length);
          child.segments.slice(0, common).forEach((segment, position) => {
            const isA = segment === a.segments[position];
            expect(isA || segment === b.segments[position]).toBe(true);
            if (isA !== fromA) changes++;
            fromA = isA;
          });
          expect(child.segments[0]).toBe(a.segments[0]);
          expect(changes).toBe(Math.min(points, common - 1));
          expect(child.segments.slice(common)).toEqual((fromA ? a : b).segments.slice(common));
        },
      ),
    );
  });

  test("two points put the middle of one parent into the other", () => {
    const a = parseGenome("11111-11111-11111-11111");
    const b = parseGenome("91111-91111-91111-91111");
    const children = Array.from({ length: 60 }, (_, seed) => formatGenome(crossGenomes(a, b, 2, new Random(seed))));
    expect([...new Set(children)].sort()).toEqual([
      "11111-11111-91111-11111",
      "11111-91111-11111-11111",
      "11111-91111-91111-11111",
    ]);
  });
});

test("changes list every gene that differs, null standing for an absent one", () => {
  const from = parseGenome("11111{heads=4}-91111");
  const to = parseGenome("12111-51111{expand=4}");
  expect(listChanges(from, to)).toEqual([
    { position: 0, gene: "featurizerGroup", from: 1, to: 2 },
    { position: 0, gene: "heads", from: 4, to: null },
    { position: 1, gene: "liv", from: 9, to: 5 },
    { position: 1, gene: "expand", from: null, to: 4 },
  ]);
  expect(listChanges(from, from)).toEqual([]);
  expect(listChanges(from, parseGenome("11111{heads=4}"))).toEqual([
    { position: 1, gene: "liv", from: 9, to: null },
    ...["featurizerGroup", "featurizerStrategy", "featureGroup", "featureStrategy"].map((gene) => ({
      ...{ position: 1, gene, from: 1, to: null },
    })),
  ]);
});
