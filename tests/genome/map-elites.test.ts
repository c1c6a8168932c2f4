import { describe, expect, test } from "vitest";
import { cellOf } from "../../genome/algorithms/map-elites.ts";
import type { Kept, Setup } from "../../genome/algorithms/types.ts";
import { descriptorNames, genomeCosts, parseGenome } from "../../genome/index.ts";
import { contextLength, evaluate, runSearch, setupOf, shape } from "./landscape.ts";

const setup = { ...setupOf("map-elites"), deterministic: false } as Setup<"map-elites">;
const withOptions = (options: Partial<Setup<"map-elites">["options"]>): Kept<"map-elites"> => ({
  ...setup,
  options: { ...setup.options, ...options },
});

describe("a cell", () => {
  test("has the share of softmax attention in eighths, windows included", () => {
    const share = (text: string) => cellOf(text, withOptions({ descriptors: ["attentionShare"] }));
    expect(share("91111-91111")).toBe("0");
    expect(share("11111-91111")).toBe("4");
    expect(share("11111-[18]1111-51111")).toBe("5"); // 16 / 3
    expect(share("11111")).toBe("8");
  });

  test("is an octave of a cost, or a part of one", () => {
    // Attention at width 64: keys and values of 4,096 tokens in 2 bytes each are 2^20 bytes.
    expect(genomeCosts(parseGenome("11111"), shape, contextLength).stateBytes).toBe(2 ** 20);
    const bin = (text: string, binsPerOctave: number) =>
      cellOf(text, withOptions({ descriptors: ["stateBytes"], binsPerOctave }));
    expect(bin("11111", 1)).toBe("20");
    expect(bin("11111-11111-11111", 1)).toBe("21"); // 3 x 2^20
    expect(bin("11111-11111-11111", 2)).toBe("43"); // log2(3 x 2^20) = 21.58
    expect(bin("91111", 1)).toBe("-1"); // no state at all
  });

  test("has a number for each descriptor", () => {
    const cell = cellOf("11111-91111", withOptions({ descriptors: [...descriptorNames] }));
    expect(cell).toMatch(/^20 \d+ \d+ 4$/);
  });
});

test("the archive holds the best of every cell that was ever told, and only elites have children", () => {
  const { proposals, state } = runSearch(setup, 5, 250);
  const elites = new Map<string, { number: number; error: number }>();
  for (const proposal of proposals) {
    const present = new Set([...elites.values()].map(({ number }) => number));
    for (const parent of proposal.variation.parents) expect(present).toContain(parent);
    const cell = cellOf(proposal.genome, setup);
    const error = evaluate(proposal).objectives[0]!;
    if (error < (elites.get(cell)?.error ?? Number.POSITIVE_INFINITY)) {
      elites.set(cell, { number: proposal.number, error });
    }
  }
  const { memory } = state as unknown as { memory: { cell: string; elite: { number: number } }[] };
  expect(memory.map(({ cell, elite }) => [cell, elite.number])).toEqual(
    [...elites].map(([cell, { number }]) => [cell, number]),
  );
  expect(elites.size).toBeGreaterThan(25);
});

test("fills the cells with better genomes than random search", () => {
  /** The sum over cells of the best score in each, the measure of Mouret and Clune's successors. */
  const quality = (name: "map-elites" | "random", seed: number) => {
    const best = new Map<string, number>();
    for (const proposal of runSearch(setupOf(name), seed, 400, { batch: 16 }).proposals) {
      const cell = cellOf(proposal.genome, setup);
      best.set(cell, Math.max(best.get(cell) ?? 0, 1 - evaluate(proposal).objectives[0]!));
    }
    return [...best.values()].reduce((sum, score) => sum + score, 0);
  };
  const wins = Array.from({ length: 8 }, (_, seed) => quality("map-elites", seed) > quality("random", seed));
  expect(wins.filter(Boolean).length).toBeGreaterThanOrEqual(7); // by chance alone: 4 in 100
});

test("the first within the limits takes a cell from the best beyond them, and what failed takes none", () => {
  const { state } = runSearch(setup, 2, 120, {
    evaluate: (proposal) =>
      proposal.number % 3 === 0
        ? { ...evaluate(proposal), ok: false, objectives: [] }
        : { ...evaluate(proposal), violation: proposal.number % 3 === 1 ? 0 : 0.1 },
  });
  const { memory } = state as unknown as { memory: { cell: string; elite: { number: number; violation: number } }[] };
  const { proposals } = runSearch(setup, 2, 120, { evaluate });
  expect(proposals).toHaveLength(120);
  expect(memory.every(({ elite }) => elite.number % 3 !== 0)).toBe(true);
  expect(memory.filter(({ elite }) => elite.violation === 0).length).toBeGreaterThan(memory.length / 2);
});
