import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { hyena as entry, type HyenaOptions } from "../../genome/palette/hyena.ts";
import { hyena } from "../../operators/hyena/index.ts";
import {
  combine,
  linear,
  longConvolution,
  type PlainWeights,
  type Sequence,
  shortConvolution,
  thirds,
  tryOperator,
  worstError,
} from "./plain.ts";
import { implicitFilter } from "./plain-filter.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

/** Poli et al. 2023, arXiv:2302.10866, definition 3.1 with N = 2, and mad-lab's repeated projection. */
function slowHyena(weights: PlainWeights, x: Sequence, { projectionGroups }: HyenaOptions, longest: number) {
  const get = (name: string) => weights[name] as Float32Array;
  const projected = linear(x, get("in_proj.weight"), get("in_proj.bias"));
  const repeated = projected.map((row) => Array.from({ length: projectionGroups }, () => row).flat());
  const u = shortConvolution(repeated, get("short_filter.weight"), get("short_filter.bias"));
  const [x0, x1, v] = thirds(u);

  const gated = combine((a, b) => a * b, x1, v);
  const convolved = longConvolution(implicitFilter(weights, "long_conv.filter", { longest, length: x.length }), gated);
  const bias = get("long_conv.bias");
  const mixed = convolved.map((row, t) => row.map((sum, c) => sum + (bias[c] as number) * (gated[t]?.[c] as number)));
  return linear(
    combine((a, b) => a * b, x0, mixed),
    get("out_proj.weight"),
    get("out_proj.bias"),
  );
}

const small: HyenaOptions = { filterOrder: 4, innerFactor: 2, projectionGroups: 2, shortFilter: 3 };

describe.each<[string, HyenaOptions, { width: number; length: number }, number]>([
  ["odd sizes", small, { width: 6, length: 9 }, 9],
  ["as many tokens as channels", { ...small, innerFactor: 1, projectionGroups: 1 }, { width: 8, length: 8 }, 8],
  ["fewer tokens than the filter has taps", { ...small, shortFilter: 4 }, { width: 4, length: 40 }, 21],
  ["mad-lab's groups, which mix the roles of the projection", entry.defaults, { width: 4, length: 7 }, 7],
])("%s", (_, options, context, length) => {
  test("the output equals the slow loop", () => {
    const trial = tryOperator(hyena, options, context, length);
    const slow = (weights: PlainWeights, x: Sequence) => slowHyena(weights, x, options, context.length);
    expect(worstError(trial, slow)).toBeLessThan(1e-5);
  });
});

test("the default has mad-lab's 123,964 + 3 T parameters at width 128", () => {
  const parameters = Object.values(hyena.parameters(entry.defaults, { width: 128, length: 1280 }));
  const count = parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  expect(count).toBe(123_964 + 3 * 1280);
});
