import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Random } from "../../genome/random.ts";
import {
  depthwiseLayer,
  drawParameters,
  linearLayer,
  normal,
  ones,
  uniform,
  zeros,
} from "../../operators/initialize.ts";
import { numbersOf, readSafetensors } from "../../operators/safetensors.ts";
import type { ParameterSpec } from "../../operators/types.ts";
import { describeWith, referenceFolder } from "../require.ts";

const draw = (spec: ParameterSpec, seed = "a seed") => spec.initialize(new Random(seed), spec.shape);

describe("the flat vector of parameters", () => {
  const weight = { name: "weight", ...normal([3, 4]) };
  const bias = { name: "bias", ...uniform([4], 0.5) };
  const scale = { name: "scale", ...ones([2]) };

  test("holds the parameters one after another", () => {
    const flat = drawParameters({ parameters: [scale, weight, bias] }, new Random(7));
    expect(flat.length).toBe(2 + 12 + 4);
    expect([...flat.slice(0, 2)]).toEqual([1, 1]);
  });

  test("is the same for the same seed, and another for another", () => {
    const parameters = [weight, bias];
    const once = drawParameters({ parameters }, new Random(7));
    expect(drawParameters({ parameters }, new Random(7))).toEqual(once);
    expect(drawParameters({ parameters }, new Random(8))).not.toEqual(once);
  });

  test("draws each parameter from a stream of its own name, whatever stands beside it", () => {
    const alone = drawParameters({ parameters: [bias] }, new Random(7));
    const together = drawParameters({ parameters: [weight, bias] }, new Random(7));
    expect(together.slice(12)).toEqual(alone);
    const renamed = drawParameters({ parameters: [{ ...bias, name: "other" }] }, new Random(7));
    expect(renamed).not.toEqual(alone);
  });

  test("an initialiser that gives the wrong number of values is named", () => {
    const short = { name: "short", shape: [2, 2], initialize: () => new Float32Array(3) };
    expect(() => drawParameters({ parameters: [short] }, new Random(7))).toThrow(
      'parameter "short" of shape [2,2] was initialised with 3 values',
    );
  });
});

describeWith("reference", "starts as PyTorch and mad-lab draw them", () => {
  const linear = linearLayer("linear", 37, 400, true);
  const depthwise = depthwiseLayer("conv", 300, 3);

  test.each<[string, ParameterSpec]>([
    ["linear_37_400.weight", linear["linear.weight"] as ParameterSpec],
    ["linear_37_400.bias", linear["linear.bias"] as ParameterSpec],
    ["conv1d_depthwise_k3.weight", depthwise["conv.weight"] as ParameterSpec],
    ["conv1d_depthwise_k3.bias", depthwise["conv.bias"] as ParameterSpec],
    ["embedding.weight", normal([200, 50])],
    ["mad_embedding.weight", normal([200, 50], 0.02)],
    ["layernorm.weight", ones([64])],
    ["layernorm.bias", zeros([64])],
  ])("%s", (name, spec) => {
    const [least = 0, most = 0, mean = 0, deviation = 0, count = 0] = readStatistics(name);
    const values = [...draw(spec)];
    expect(values.length).toBe(count);
    const ourMean = values.reduce((sum, value) => sum + value, 0) / count;
    const ourDeviation = Math.sqrt(values.reduce((sum, value) => sum + (value - ourMean) ** 2, 0) / count);
    // Two draws of n values: means differ by deviation / sqrt(n / 2), deviations by less; five times that is allowed.
    const noise = (5 * deviation) / Math.sqrt(count / 2);
    expect(Math.abs(ourMean - mean)).toBeLessThanOrEqual(noise);
    expect(Math.abs(ourDeviation - deviation)).toBeLessThanOrEqual(noise);
    const [ours, theirs] = [Math.max(...values.map(Math.abs)), Math.max(Math.abs(least), Math.abs(most))];
    expect(Math.abs(ours - theirs)).toBeLessThanOrEqual(deviation);
  });

  test("the uniform draws reach the bound 1 / sqrt(fan in) and stay inside", () => {
    const largest = Math.max(...draw(linear["linear.weight"] as ParameterSpec).map(Math.abs));
    expect(largest).toBeLessThanOrEqual(Math.fround(1 / Math.sqrt(37)));
    expect(largest).toBeGreaterThan(0.999 / Math.sqrt(37));
  });

  function readStatistics(name: string): Float32Array | Float64Array | Int32Array {
    const file = `${referenceFolder}/training/default-init/statistics.safetensors`;
    const tensor = readSafetensors(readFileSync(file))[`${name}.stats`];
    if (!tensor) throw new Error(`${file} has no "${name}.stats"`);
    return numbersOf(tensor);
  }
});
