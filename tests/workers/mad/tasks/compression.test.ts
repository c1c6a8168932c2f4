import { expect, test } from "vitest";
import { examplesOf } from "./examples.ts";

test("the sequence itself is the target, and the compression token comes last", async () => {
  const { train, test: examples } = await examplesOf("compression", { vocabulary: 20, length: 17 });
  for (const { inputs, targets } of [...train, ...examples]) {
    expect(targets).toEqual(inputs);
    expect(inputs.indexOf(19)).toBe(16);
  }
});

test("the published minimal vector", async () => {
  const { generateDataSet } = await import("../../../../workers/mad/generate.ts");
  const { baselineOf } = await import("../../../../workers/mad/settings.ts");
  const { data } = await generateDataSet({ ...baselineOf("compression"), trainExamples: 1 }, 0);
  const expected = "12 9 7 4 4 0 1 0 2 12 9 13 7 9 14 10 9 8 8 14 4 12 10 0 5 12 8 0 11 10 12 15";
  expect([...data.train.inputs].join(" ")).toBe(expected);
});

test("noise is drawn from the highest ids below the compression token, and scored", async () => {
  const options = { vocabulary: 20, length: 40, noiseVocabulary: 5, noiseFraction: 0.5 };
  const { train } = await examplesOf("compression", options);
  const noise = train.flatMap(({ targets }) => targets.slice(0, -1).filter((token) => token >= 14));
  expect(noise.length / (30 * 39)).toBeCloseTo(0.5, 1);
  expect(Math.max(...noise)).toBe(18);
});
