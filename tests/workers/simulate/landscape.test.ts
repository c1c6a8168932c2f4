import { describe, expect, test } from "vitest";
import { enumerateGenomes } from "../../../bench/enumerate.ts";
import {
  fitOptions,
  type Genome,
  type Grammar,
  knownDesigns,
  operatorNames,
  paletteEntry,
  parseGenome,
  repairGenome,
  type TaskName,
  taskNames,
} from "../../../genome/index.ts";
import { chanceScore, expectedScores, simulatedOperators } from "../../../workers/simulate/landscape.ts";

const width = 128;
const scoresOf = (text: string) => expectedScores(parseGenome(text), width);
const meanOf = (genome: Genome | string) => {
  const scores = typeof genome === "string" ? scoresOf(genome) : expectedScores(genome, width);
  return taskNames.reduce((sum, task) => sum + scores[task], 0) / taskNames.length;
};

/** Percent: Yang et al. 2024 (arXiv:2406.06484), MAD's rows; the striped one from the figure of arXiv:2403.17844. */
const published = {
  "transformer++": [94.1, 29.8, 86.8, 99.6, 51.6, 85.2],
  hyena: [81.7, 7.9, 78.8, 93.1, 45.2, 89.5],
  mamba: [90.4, 6.7, 90.1, 86.3, 52.7, 89.5],
  "striped-hyena": [100, 23.4, 100, 100, 47.2, 89.15],
} as const;

describe("the published designs", () => {
  test.each(["transformer++", "hyena", "mamba"] as const)("%s has its published scores", (name) => {
    const scores = scoresOf(knownDesigns[name].genome);
    taskNames.forEach((task, index) => {
      expect(100 * scores[task], task).toBeCloseTo(published[name][index]!, 6);
    });
  });

  test("the striped one comes within five points on every task, and beats those of one mixer on the whole", () => {
    const scores = scoresOf(knownDesigns["striped-hyena"].genome);
    taskNames.forEach((task, index) => {
      expect(Math.abs(100 * scores[task] - published["striped-hyena"][index]!), task).toBeLessThan(5);
    });
    for (const name of ["transformer++", "hyena", "mamba"] as const) {
      expect(meanOf(knownDesigns["striped-hyena"].genome)).toBeGreaterThan(meanOf(knownDesigns[name].genome));
    }
  });
});

describe("the score depends on", () => {
  const difference = (a: string, b: string, task: TaskName) => scoresOf(a)[task] - scoresOf(b)[task];

  test("order: a gatherer helps the attention after it, not the one before it", () => {
    for (const task of ["in-context-recall", "noisy-in-context-recall", "selective-copying"] as const) {
      expect(difference("81111-91111-11111-91111", "11111-91111-81111-91111", task), task).toBeGreaterThan(0);
    }
    expect(difference("81111-91111-11111-91111", "11111-91111-81111-91111", "compression")).toBe(0);
  });

  test("channel mixers: each follows a sequence mixer", () => {
    expect(meanOf("11111-91111-11111-91111")).toBeGreaterThan(meanOf("11111-11111-91111-91111"));
    expect(meanOf("11111-11111-91111-91111")).toBeGreaterThan(meanOf("11111-11111"));
  });

  test("options: wide channel mixers memorize, few key heads and narrow states cost recall", () => {
    expect(difference("11111-[22]1111{expansion=8}", "11111-[22]1111{expansion=2}", "memorization")).toBeGreaterThan(0);
    expect(difference("11111-91111", "11111{kvHeads=1}-91111", "in-context-recall")).toBeGreaterThan(0);
    expect(difference("51111{stateSize=32}-91111", "51111-91111", "in-context-recall")).toBeGreaterThan(0);
  });

  test("sharing: who takes over weights or features misses more", () => {
    const own = meanOf("11111-91111-11111-91111");
    const sharedWeights = meanOf("11211-91111-11211-91111");
    const sharedFeatures = meanOf("11112-91111-11112-91111");
    expect(own).toBeGreaterThan(sharedWeights);
    expect(sharedWeights).toBeGreaterThan(sharedFeatures);
  });
});

test("every operator and option has a score between chance and 1, alone and in company", () => {
  for (const name of operatorNames) {
    const entry = paletteEntry(name);
    for (const [option, values] of [["", [0]] as const, ...Object.entries(entry.options)]) {
      for (const value of values) {
        const options = fitOptions(name, { [option]: value }, { width, length: 256 })!;
        const segment = {
          liv: entry.liv,
          featurizerGroup: 1,
          featurizerStrategy: 1,
          featureGroup: 1,
          featureStrategy: 1,
        };
        for (const company of ["", "-91111", "-11111-91111-81111"]) {
          const genome = { segments: [{ ...segment, options }, ...parseGenome(`11111${company}`).segments.slice(1)] };
          for (const score of Object.values(expectedScores(genome, width))) {
            expect(score).toBeGreaterThanOrEqual(chanceScore);
            expect(score).toBeLessThanOrEqual(1);
          }
        }
      }
    }
  }
});

test("an operator without a row adds nothing", () => {
  for (const name of operatorNames.filter((operator) => !simulatedOperators.includes(operator))) {
    const grammar: Grammar = { depth: 1, operators: [name], layout: "free", shape: { width, length: 256 } };
    const genome = repairGenome({ segments: [] }, grammar);
    expect(Object.values(expectedScores(genome, width))).toEqual(taskNames.map(() => chanceScore));
  }
});

describe("the optimum of a small space, by looking at every genome", () => {
  // Two mixers with two channel mixers, every option: Mamba 36 ways, sliding attention 25, SwiGLU 1, MLP 3.
  const grammar: Grammar = {
    ...{ depth: 4, layout: "pairs", shape: { width, length: 256 } },
    operators: ["mamba", "sliding-attention", "swiglu", "mlp"],
  };
  const ranked = [...enumerateGenomes(grammar)]
    .map((genome) => ({ genome, mean: meanOf(genome) }))
    .sort((a, b) => b.mean - a.mean);

  test("there are as many genomes as the options allow", () => {
    expect(ranked).toHaveLength((36 + 25) ** 2 * (1 + 3) ** 2);
  });

  test("is the best Mamba, then the widest window, each before the widest channel mixer", () => {
    const [best, second] = ranked;
    // Of Mamba every factor at its least, 0.85 x 1 x 0.94; of the window of 128: 1 - 0.08 x 2. Heads change nothing.
    const mamba = { liv: 5, options: { expand: 4, stateSize: 32 } };
    const window = { liv: 18, options: { window: 128 } };
    const channel = { liv: 22, options: { expansion: 8 } };
    expect(best?.genome.segments).toMatchObject([mamba, channel, window, channel]);
    const [m, w] = [0.85 * 0.94, 0.84];
    const misses = [
      0.096 * m * 0.3 * w, // in-context recall: the pair's misses multiply
      (0.933 * m + 0.85 * w) / 2,
      0.099 * m * 0.35 * w,
      0.137 * m * 0.25 * w,
      (0.473 * m + 0.51 * w) / 2,
      ((0.105 * m + 0.15 * w) / 2) * 0.8, // an inner width of 8 D forgets less
    ];
    const mean = 1 - misses.reduce((sum, miss) => sum + miss, 0) / 6;
    expect(best?.mean).toBeCloseTo(mean, 12);
    expect(ranked.filter((one) => one.mean > mean - 1e-12)).toHaveLength(5);
    expect(second?.mean).toBe(best?.mean);
  });
});
