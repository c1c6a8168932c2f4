import { describe, expect, test } from "vitest";
import { Generator } from "../../../../workers/mad/numpy/generator.ts";
import { countMotifs, Motifs } from "../../../../workers/mad/tasks/motifs.ts";
import { type Example, examplesOf, scored } from "./examples.ts";

const variants = [{}, { multiQuery: false }, { keyMotif: 2, valueMotif: 1, length: 61, vocabulary: 13 }];

describe.each(variants)("fuzzy in-context recall %o", (changes) => {
  test("every scored motif repeats the one that followed the same key before, where the key was shown", async () => {
    const { setting, test: examples } = await examplesOf("fuzzy-in-context-recall", changes);
    let shown = 0;
    for (const example of examples) {
      for (const [from, to] of spans(scored(example))) {
        const key = example.inputs.slice(from - setting.keyMotif + 1, from + 1);
        const value = example.targets.slice(from, to + 1);
        const before = findBefore(example, [...key, ...value], from - setting.keyMotif + 1);
        if (to === example.targets.length - 1 && before < 0) continue; // the probe may never have been shown
        expect(before).toBeGreaterThanOrEqual(0);
        shown++;
      }
    }
    expect(shown).toBeGreaterThan(20);
  });

  test("sequences are padded on the left and have no padding behind", async () => {
    const { setting, train, test: examples } = await examplesOf("fuzzy-in-context-recall", changes);
    const pad = setting.vocabulary - (setting.multiQuery ? 1 : 2);
    for (const { inputs } of [...train, ...examples]) {
      expect(inputs).toHaveLength(setting.length);
      const start = inputs.findIndex((token) => token !== pad);
      expect(inputs.slice(start)).not.toContain(pad);
    }
  });

  test("training targets are the next tokens, padding included", async () => {
    const { train } = await examplesOf("fuzzy-in-context-recall", changes);
    for (const { inputs, targets } of train) expect(targets.slice(0, -1)).toEqual(inputs.slice(1));
  });
});

test("motifs are numbered in lexicographic order, none with a token twice", () => {
  const all = Array.from({ length: countMotifs(5, 3) }, (_, number) =>
    new Motifs({ first: 4, count: 5 }, 3).tokens(number),
  );
  const expected = [4, 5, 6, 7, 8].flatMap((a) =>
    [4, 5, 6, 7, 8].flatMap((b) => [4, 5, 6, 7, 8].flatMap((c) => (a !== b && b !== c && a !== c ? [[a, b, c]] : []))),
  );
  expect(all).toEqual(expected);
});

test("a shuffled list of motifs still holds each once", () => {
  const motifs = new Motifs({ first: 0, count: 4 }, 2);
  const generator = new Generator(1);
  motifs.reshuffle(generator);
  const drawn = new Set(Array.from({ length: 400 }, () => motifs.draw(generator)));
  expect([...drawn].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i));
});

test("impossible options are refused with the option and its value", async () => {
  const attempt = (changes: object) => examplesOf("fuzzy-in-context-recall", changes);
  await expect(attempt({ length: 12 })).rejects.toThrow("length 12");
  await expect(attempt({ keyMotif: 8 })).rejects.toThrow("keyMotif 8");
  await expect(attempt({ valueMotif: 0 })).rejects.toThrow("valueMotif 0");
  await expect(attempt({ vocabulary: 4096 })).rejects.toThrow("vocabulary 4096");
});

/** Runs of neighbouring positions; two values never touch, for a key lies between them. */
function spans(positions: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const t of positions) {
    const last = runs.at(-1);
    if (last && last[1] === t - 1) last[1] = t;
    else runs.push([t, t]);
  }
  return runs;
}

function findBefore({ inputs }: Example, motif: readonly number[], end: number): number {
  for (let t = 0; t + motif.length <= end; t++) {
    if (motif.every((token, i) => inputs[t + i] === token)) return t;
  }
  return -1;
}
