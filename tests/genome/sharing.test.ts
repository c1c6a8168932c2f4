// Sharing genes over many random genomes, and what they save.
import { describe, expect, test } from "vitest";
import {
  donorsOf,
  formatGenome,
  type Genome,
  type Grammar,
  genomeCosts,
  genomeFromJson,
  genomeHash,
  operatorNames,
  operatorOfSegment,
  operatorsAt,
  parseGenome,
  Random,
  repairGenome,
  sampleGenome,
} from "../../genome/index.ts";
import { crossGenomes } from "../../genome/variation/crossover.ts";
import { moveMotif } from "../../genome/variation/motifs.ts";
import { mutateGenome } from "../../genome/variation/mutate.ts";

const grammar: Grammar = {
  depth: 6,
  operators: operatorNames,
  layout: "free",
  shape: { width: 64, length: 32 },
  sharing: true,
};

/** Any numbers for the sharing genes. */
function scrambled(genome: Genome, random: Random): Genome {
  const number = () => random.integer(5);
  return {
    segments: genome.segments.map((segment) => ({
      ...segment,
      featurizerGroup: number(),
      featurizerStrategy: number(),
      featureGroup: number(),
      featureStrategy: number(),
    })),
  };
}

test("over 100,000 genomes are valid and read as written; one child in five also as JSON and renumbered", () => {
  const random = new Random("many");
  const narrow: Grammar = { ...grammar, minDepth: 4, operators: ["attention", "gated-short-convolution", "swiglu"] };
  let sharing = 0;
  let before = sampleGenome(narrow, random);
  for (let i = 0; i < 34_000; i++) {
    const fresh = sampleGenome(narrow, random);
    const plain = { segments: fresh.segments.map(({ options: _, ...integers }) => integers) };
    const repaired = repairGenome(scrambled(random.chance(0.5) ? plain : fresh, random), narrow);
    const crossed = repairGenome(crossGenomes(repaired, before, 2, random), narrow);
    const moved = i % 2 === 0 ? moveMotif(crossed, narrow, random)!.genome : crossed;
    const child = mutateGenome(moved, narrow, 0.3, random);
    for (const genome of [fresh, repaired, child]) {
      const text = formatGenome(genome);
      if (!same(parseGenome(text, narrow.shape), genome)) throw new Error(`reading ${text} gives another genome`);
      if (!same(repairGenome(genome, narrow), genome)) throw new Error(`repair changes ${text}`);
      for (const [position, segment] of genome.segments.entries()) {
        const operator = operatorOfSegment(segment, position);
        if (!operatorsAt(narrow, position).includes(operator)) throw new Error(`${operator} in ${text}`);
      }
    }
    if (donorsOf(child, "featurizer").some((donor) => donor !== null)) sharing++;
    if (i % 5 === 0) {
      if (!same(genomeFromJson(JSON.parse(JSON.stringify(child))), child)) throw new Error("JSON changes a genome");
      const renumbered = { segments: child.segments.map(renumber) };
      if (genomeHash(renumbered) !== genomeHash(child)) throw new Error(`hash of ${formatGenome(child)}`);
      const isEqual = formatGenome(child) === formatGenome(repaired);
      if ((genomeHash(child) === genomeHash(repaired)) !== isEqual) throw new Error("equal hashes of two genomes");
    }
    before = child;
  }
  expect(sharing).toBeGreaterThan(1000);
}, 300_000);

function same(a: Genome, b: Genome): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function renumber(segment: Genome["segments"][number]): Genome["segments"][number] {
  const { featurizerGroup, featureGroup } = segment;
  return { ...segment, featurizerGroup: 100 - featurizerGroup, featureGroup: 1 + ((featureGroup * 7) % 251) };
}

describe("mutation", () => {
  const genome = parseGenome("11111-91111-11111-91111");

  test("makes positions share, and stop sharing", () => {
    const random = new Random("alive");
    const children = Array.from({ length: 300 }, () => mutateGenome(genome, grammar, 0.1, random));
    const kinds = (["featurizer", "features"] as const).map(
      (kind) => children.filter((child) => donorsOf(child, kind).some((donor) => donor !== null)).length,
    );
    for (const count of kinds) expect(count).toBeGreaterThan(15);

    const shared = parseGenome("11211-91111-11211-91111");
    const stopped = Array.from({ length: 300 }, () => mutateGenome(shared, grammar, 0.1, random));
    expect(stopped.some((child) => donorsOf(child, "featurizer").every((donor) => donor === null))).toBe(true);
  });

  test("leaves sharing alone where the search forbids it", () => {
    const random = new Random("forbidden");
    const forbidden = { ...grammar, sharing: false };
    for (let i = 0; i < 300; i++) {
      const child = mutateGenome(parseGenome("11211-91111-11211-91111"), forbidden, 0.5, random);
      expect(donorsOf(child, "featurizer")).toEqual(Array(6).fill(null));
    }
  });
});

describe("costs at width 128, by hand", () => {
  const shape = { width: 128, length: 128 };
  const costs = (text: string) => genomeCosts(parseGenome(text), shape, 4096);

  test("tied attention has its output map alone; the cache stays", () => {
    const plain = costs("11111-11111");
    expect(costs("11211-11211")).toEqual({ ...plain, parameters: 66_048 + 128 * 128 + 128 });
  });

  test("taken keys and values leave a query map and an output map, and no cache", () => {
    const { parameters, stateBytes } = costs("11112-11112");
    expect(parameters).toBe(66_048 + 2 * (128 * 128 + 128));
    expect(stateBytes).toBe(2 * 2 * 128 * 4096);
  });
});
