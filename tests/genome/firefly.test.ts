import { expect, test } from "vitest";
import type { Setup } from "../../genome/algorithms/types.ts";
import { formatSegment, parseGenome } from "../../genome/index.ts";
import { runSearch, setupOf } from "./landscape.ts";

const defaults = setupOf("firefly") as Setup<"firefly">;
const setup = (options: Partial<Setup<"firefly">["options"]>): Setup<"firefly"> => ({
  ...defaults,
  options: { ...defaults.options, ...options },
});
const positionsOf = (genome: string) => parseGenome(genome).segments.map(formatSegment);

test("without mutation every position is that of the firefly or of a brighter one", () => {
  const { proposals } = runSearch(setup({ mutationRate: 0 }), 1, 200);
  const genomeOf = new Map(proposals.map(({ number, genome }) => [number, positionsOf(genome)]));
  // What was refused as not new is mutated after all: it has positions of nobody.
  const isMixed = proposals
    .filter(({ variation }) => variation.kind === "attraction")
    .map(({ genome, variation }) =>
      positionsOf(genome).every((segment, i) => variation.parents.some((p) => genomeOf.get(p)![i] === segment)),
    );
  expect(isMixed.length).toBeGreaterThan(50);
  expect(isMixed.filter(Boolean).length).toBeGreaterThan(isMixed.length / 2);
});

test("attraction falls with absorption and with distance", () => {
  const attracted = (absorption: number) =>
    runSearch(setup({ absorption }), 2, 160)
      .proposals.slice(16)
      .reduce((sum, { variation }) => sum + variation.parents.length - 1, 0);
  const [near, middle, far] = [attracted(1), attracted(5), attracted(50)];
  expect(near).toBeGreaterThan(middle);
  expect(middle).toBeGreaterThan(far);
});

test("a whole population flies in every generation, and the brightest only mutates", () => {
  const { proposals } = runSearch(defaults, 3, 96);
  for (const generation of [1, 2, 3, 4, 5]) {
    const flown = proposals.filter((proposal) => proposal.generation === generation);
    expect(flown).toHaveLength(16);
    expect(flown[0]?.variation.parents).toHaveLength(1);
  }
});
