import { describe, expect, test } from "vitest";
import { coveredMs, watchEngine } from "../../bench/engine/watch.ts";
import { prepareWorkload } from "../../bench/engine/workload.ts";
import { onnxruntimeEngine } from "../../workers/engine/onnxruntime.ts";

describe("the time that intervals cover", () => {
  test("counts overlaps once and gaps not at all", () => {
    const intervals = [
      { start: 10, end: 20 },
      { start: 0, end: 4 },
      { start: 12, end: 15 },
      { start: 18, end: 25 },
    ];
    expect(coveredMs(intervals)).toBe(4 + 15);
  });

  test("is nothing without intervals", () => {
    expect(coveredMs([])).toBe(0);
  });
});

describe("a watched engine", () => {
  test("takes the time of compilations and runs and changes neither", async () => {
    const sizes = { width: 8, length: 6, vocabulary: 4, batch: 2, members: 1 };
    const workload = await prepareWorkload("mlp", sizes);
    const plain = await workload.compile(onnxruntimeEngine());
    const expected = await plain.run(2, workload.batches(0, 2));

    let clock = 0;
    const watched = watchEngine(onnxruntimeEngine(), () => clock++);
    const program = await workload.compile(watched.engine);
    expect(watched.compilations).toEqual([{ start: 0, end: 1 }]);
    expect(await program.run(2, workload.batches(0, 2))).toEqual(expected);
    expect(watched.runs).toEqual([{ start: 2, end: 3 }]);

    await program.adoptState(plain);
    expect(await program.state()).toEqual(await plain.state());
    await Promise.all([plain.dispose(), program.dispose()]);
  });
});
