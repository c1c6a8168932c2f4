import { expect, test } from "vitest";
import { generateMqar } from "../../../../workers/mad/tasks/mqar.ts";

const options = { vocabulary: 64, examples: 20, length: 40, pairs: 5, powerA: 0.1, passes: 1, fillBlanks: false };

test("every pair is asked for once more, at its key", () => {
  const { inputs, targets } = generateMqar(options, 3);
  for (let row = 0; row < 20; row++) {
    const tokens = [...inputs.subarray(row * 40, (row + 1) * 40)];
    const labels = [...targets.subarray(row * 40, (row + 1) * 40)];
    const pairs = new Map([0, 2, 4, 6, 8].map((t) => [tokens[t], tokens[t + 1]]));
    expect(pairs.size).toBe(5);
    const asked = labels.flatMap((label, t) => (label === -100 ? [] : [[tokens[t], label] as const]));
    expect(new Map(asked)).toEqual(new Map([...pairs].sort(byOrderIn(asked))));
    expect(labels.slice(0, 10)).toEqual(Array(10).fill(-100));
    expect(tokens.slice(10).filter((token) => token !== 0)).toHaveLength(5);
  }
});

test("what the published code cannot do is refused", () => {
  expect(() => generateMqar({ ...options, passes: 2 }, 0)).toThrow("2 passes");
  expect(() => generateMqar({ ...options, length: 18 }, 0)).toThrow("5 pairs");
  expect(() => generateMqar({ ...options, length: 39 }, 0)).toThrow("length 39");
  expect(() => generateMqar({ ...options, vocabulary: 40 }, 0)).toThrow("vocabulary 40");
});

function byOrderIn(asked: readonly (readonly [unknown, unknown])[]) {
  const place = (key: unknown) => asked.findIndex(([other]) => other === key);
  return ([a]: [unknown, unknown], [b]: [unknown, unknown]) => place(a) - place(b);
}
