import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { mamba as entry } from "../../genome/palette/mamba.ts";
import { Random } from "../../genome/random.ts";
import { mamba } from "../../operators/mamba/index.ts";
import {
  columns,
  combine,
  linear,
  type PlainWeights,
  type Sequence,
  shortConvolution,
  silu,
  tryOperator,
  worstError,
} from "./plain.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

/** Token by token, with one state per channel and n: arXiv:2312.00752, algorithm 2 and eq. 2. */
function recurrence(weights: PlainWeights, x: Sequence): Sequence {
  const get = (name: string) => weights[name] as Float32Array;
  const inner = get("D").length;
  const states = get("A_log").length / inner;
  const rank = get("dt_proj.weight").length / inner;
  const xz = linear(x, get("in_proj.weight"));
  const u = combine(silu, shortConvolution(columns(xz, 0, inner), get("conv1d.weight"), get("conv1d.bias")));
  const selected = linear(u, get("x_proj.weight"));
  const steps = linear(columns(selected, 0, rank), get("dt_proj.weight"), get("dt_proj.bias"));

  const h = Array.from({ length: inner }, () => Array<number>(states).fill(0));
  const y = u.map((row, t) =>
    row.map((signal, e) => {
      const dt = Math.log1p(Math.exp(steps[t]?.[e] as number));
      const state = h[e] as number[];
      let sum = (get("D")[e] as number) * signal;
      for (let n = 0; n < states; n++) {
        const a = -Math.exp(get("A_log")[e * states + n] as number);
        const [b, c] = [selected[t]?.[rank + n] as number, selected[t]?.[rank + states + n] as number];
        const next = Math.exp(dt * a) * (state[n] as number) + dt * b * signal;
        state[n] = next;
        sum += c * next;
      }
      return sum;
    }),
  );
  return linear(
    combine((value, gate) => value * silu(gate), y, columns(xz, inner, 2 * inner)),
    get("out_proj.weight"),
  );
}

describe("the parallel form equals the recurrence", () => {
  test.each([
    { stateSize: 4, convolution: 4, expand: 2, width: 6, length: 9 },
    { stateSize: 3, convolution: 2, expand: 1, width: 8, length: 8 },
    { stateSize: 2, convolution: 3, expand: 2, width: 18, length: 75 },
  ])("$length tokens, $width channels, $stateSize states", ({ width, length, ...options }) => {
    expect(worstError(tryOperator(mamba, options, { width, length }), recurrence)).toBeLessThan(1e-5);
  });
});

test("the default has mad-lab's 107,264 parameters at width 128", () => {
  const parameters = Object.values(mamba.parameters(entry.defaults, { width: 128, length: 128 }));
  expect(parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(107_264);
});

test("first steps are spread over 0.001 to 0.1, decays are 1 to N, and the backbone keeps the step bias", () => {
  const specs = mamba.parameters(entry.defaults, { width: 128, length: 128 });
  const bias = specs["dt_proj.bias"]!;
  const steps = [...bias.initialize(new Random(1), bias.shape)].map((value) => Math.log1p(Math.exp(value)));
  expect(Math.min(...steps)).toBeGreaterThan(0.99e-3);
  expect(Math.max(...steps)).toBeLessThan(0.101);
  const meanLog = steps.reduce((sum, step) => sum + Math.log10(step), 0) / steps.length;
  expect(Math.abs(meanLog + 2)).toBeLessThan(0.12); // log-uniform; 3 standard errors of 256 draws
  expect(bias.isKeptByBackbone).toBe(true);

  const { initialize, shape } = specs.A_log!;
  const decays = [...initialize(new Random(1), shape)].map(Math.exp);
  expect(decays.slice(0, 8).map((decay) => decay.toFixed(4))).toEqual(
    [1, 2, 3, 4, 1, 2, 3, 4].map((decay) => decay.toFixed(4)),
  );
});
