import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  canonicalGenome,
  formatGenome,
  type Genome,
  genomeHash,
  operatorOfSegment,
  parseGenome,
  resolveOptions,
  sha256,
} from "../../genome/index.ts";
import { sampledGenomes } from "./arbitraries.ts";

const hashOf = (text: string) => genomeHash(parseGenome(text));

test("the hash is the SHA-256 of the canonical text", () => {
  expect(hashOf("11111-91111")).toBe(createHash("sha256").update("11111-91111").digest("hex"));
});

test("groups that share are numbered as they first appear, the rest is 1", () => {
  expect(formatGenome(canonicalGenome(parseGenome("17151-93121-17111")))).toBe("11111-91111-11111");
  expect(formatGenome(canonicalGenome(parseGenome("18211-74211-18211-74211-15211-11162-11162")))).toBe(
    "11211-72211-11211-72211-11111-11112-11112",
  );
});

test("STAR's published example keeps its sharing; groups that share nothing lose their number", () => {
  const star = (integers: readonly (readonly number[])[]): Genome => ({
    segments: integers.map(([liv, featurizerGroup, featurizerStrategy, featureGroup, featureStrategy]) => ({
      liv: liv!,
      featurizerGroup: featurizerGroup!,
      featurizerStrategy: featurizerStrategy!,
      featureGroup: featureGroup!,
      featureStrategy: featureStrategy!,
    })),
  });
  const published = [
    [9, 1, 2, 1, 1],
    [1, 1, 1, 1, 2],
    [9, 1, 2, 2, 1],
    [1, 2, 1, 1, 2],
  ];
  expect(formatGenome(canonicalGenome(star(published)))).toBe("91211-11112-91211-11112");
});

test("a group of one shares nothing", () => {
  expect(hashOf("11211-91111-11111")).toBe(hashOf("11111-91111-11111"));
  expect(hashOf("11112-91111-12112")).not.toBe(hashOf("11111-91111-11111"));
  expect(hashOf("11112-91111-11122")).toBe(hashOf("11111-91111-11111"));
});

describe("the hash", () => {
  test("is equal for isomorphic group numberings", () => {
    fc.assert(
      fc.property(sampledGenomes, fc.integer({ min: 0, max: 200 }), ({ genome }, shift) => {
        const renumbered: Genome = {
          segments: genome.segments.map((segment) => ({
            ...segment,
            featurizerGroup: 1 + ((segment.featurizerGroup * 7 + shift) % 251),
            featureGroup: 1 + ((segment.featureGroup * 11 + shift) % 251),
          })),
        };
        expect(genomeHash(renumbered)).toBe(genomeHash(genome));
      }),
    );
  });

  test("is equal whether a default is written or not, and in any order of options", () => {
    fc.assert(
      fc.property(sampledGenomes, ({ genome }) => {
        const spelled: Genome = {
          segments: genome.segments.map((segment, index) => ({
            ...segment,
            options: Object.fromEntries(
              Object.entries(resolveOptions(operatorOfSegment(segment, index), segment.options)).reverse(),
            ),
          })),
        };
        expect(genomeHash(spelled)).toBe(genomeHash(genome));
      }),
    );
  });

  test("does not see the groups of segments that share nothing", () => {
    expect(hashOf("11111-12131-91111")).toBe(hashOf("11111-11111-91111"));
  });

  test("sees which segments share, but not what their group is called", () => {
    const shared = (groups: readonly number[]): Genome => ({
      segments: groups.map((featurizerGroup) => ({
        liv: 1,
        featurizerGroup,
        featurizerStrategy: 2,
        featureGroup: 1,
        featureStrategy: 1,
      })),
    });
    expect(genomeHash(shared([1, 1, 2]))).toBe(genomeHash(shared([9, 9, 4])));
    expect(genomeHash(shared([1, 1, 2]))).not.toBe(genomeHash(shared([1, 2, 2])));
  });

  test("is equal for two ways to ask for as many key heads as heads", () => {
    expect(hashOf("11111{heads=8,kvHeads=8}")).toBe(hashOf("11111{heads=8}"));
    expect(hashOf("11111{heads=8,kvHeads=4}")).not.toBe(hashOf("11111{heads=8}"));
  });

  test("differs between different genomes", () => {
    fc.assert(
      fc.property(sampledGenomes, sampledGenomes, ({ genome: a }, { genome: b }) => {
        fc.pre(formatGenome(a) !== formatGenome(b));
        expect(genomeHash(a)).not.toBe(genomeHash(b));
      }),
    );
  });
});

test("sha256 agrees with the standard's digests for every length around a block", () => {
  expect(sha256("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(sha256("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  for (let length = 0; length < 200; length++) {
    const text = "aé-".repeat(length).slice(0, length);
    expect(sha256(text)).toBe(createHash("sha256").update(text).digest("hex"));
  }
});
