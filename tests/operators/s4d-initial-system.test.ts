import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Random } from "../../genome/random.ts";
import { s4d } from "../../operators/s4d/index.ts";
import { initialSystem } from "../../operators/s4d/initial-system.ts";
import { numbersOf, readSafetensors, type StoredTensor } from "../../operators/safetensors.ts";
import { describeWith, referenceFolder } from "../require.ts";

test("lin and inv follow their formulas", () => {
  // arXiv:2206.11893, eq. 8 and 9, N = 8: pi n, and N / pi (N / (2n + 1) - 1).
  expect(initialSystem("lin", 8).frequency[3]).toBeCloseTo(3 * Math.PI, 12);
  expect(initialSystem("inv", 8).frequency[0]).toBeCloseTo((8 / Math.PI) * 7, 12);
  expect(initialSystem("inv", 8).frequency[3]).toBeCloseTo((8 / Math.PI) * (8 / 7 - 1), 12);
  expect(initialSystem("lin", 8).decay).toEqual([0.5, 0.5, 0.5, 0.5]);
});

test("real decays are 1 to N / 2, and no part of A is below 1e-4", () => {
  expect(initialSystem("real", 8)).toEqual({
    decay: [1, 2, 3, 4],
    frequency: [1e-4, 1e-4, 1e-4, 1e-4],
    b: [1, 1, 1, 1],
  });
  expect(initialSystem("lin", 8).frequency[0]).toBe(1e-4);
});

describeWith("reference", "HiPPO", () => {
  describe.each([
    ["legs", "legs_n8"],
    ["fourier", "fout_n8"],
    ["fourier", "fout_n12"],
  ] as const)("%s as in %s", (initialisation, name) => {
    const numbers = (tensor: string) => {
      const file = `${referenceFolder}/operators/hippo/${name}.safetensors`;
      const record = readSafetensors(new Uint8Array(readFileSync(file)));
      return [...numbersOf(record[tensor] as StoredTensor)];
    };

    test("frequencies and decays are those of the eigenvalues of the normal part", () => {
      const eigenvalues = numbers("eigenvalues_sorted_half");
      const { decay, frequency } = initialSystem(initialisation, eigenvalues.length);
      expect(decay.length).toBe(eigenvalues.length / 2);
      for (const n of decay.keys()) {
        expect(decay[n]).toBeCloseTo(Math.max(-(eigenvalues[2 * n] as number), 1e-4), 8);
        expect(frequency[n]).toBeCloseTo(Math.max(-(eigenvalues[2 * n + 1] as number), 1e-4), 8);
      }
    });

    test("B keeps its length in the coordinates of the eigenvectors", () => {
      const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0);
      const b = numbers("B");
      expect(2 * squares(initialSystem(initialisation, b.length).b)).toBeCloseTo(squares(b), 8);
    });
  });
});

test("every channel starts from the same A and B, with a step and a C of its own", () => {
  const specs = s4d.parameters({ stateSize: 8, initialisation: "legs" }, { width: 3, length: 16 });
  const drawn = (name: string) => {
    const { shape, initialize } = specs[`layer.kernel.${name}`]!;
    return [...initialize(new Random(name), shape)];
  };
  const { frequency, b } = initialSystem("legs", 8);
  expect(drawn("A_imag")).toEqual([...frequency, ...frequency, ...frequency].map(Math.fround));
  expect(drawn("A_real")).toEqual(Array(12).fill(Math.fround(Math.log(0.5))));
  expect(drawn("B").slice(8, 16)).toEqual(b.flatMap((re) => [Math.fround(re), 0]));
  expect(new Set(drawn("C")).size).toBe(24);
  const steps = drawn("inv_dt").map(Math.exp);
  expect(steps.every((step) => step >= 0.999e-3 && step <= 0.1001)).toBe(true);
});
