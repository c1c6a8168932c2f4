import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { s4d as entry } from "../../genome/palette/s4d.ts";
import { Random } from "../../genome/random.ts";
import { s4d } from "../../operators/s4d/index.ts";
import { initialSystem } from "../../operators/s4d/initial-system.ts";
import { convolutionKernel } from "../../operators/s4d/kernel.ts";
import {
  columns,
  combine,
  gelu,
  linear,
  type PlainWeights,
  relativeError,
  type Sequence,
  tryOperator,
  worstError,
} from "./plain.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

type Complex = readonly [re: number, im: number];
const add = (a: Complex, b: Complex): Complex => [a[0] + b[0], a[1] + b[1]];
const times = (a: Complex, b: Complex): Complex => [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]];
const over = (a: Complex, [re, im]: Complex): Complex => {
  const norm = re * re + im * im;
  return times(a, [re / norm, -im / norm]);
};
const exp = ([re, im]: Complex): Complex => [Math.exp(re) * Math.cos(im), Math.exp(re) * Math.sin(im)];

/** One step of x' = a x + b u by the rules of arXiv:2206.11893, table 1: [discrete a, factor of b]. */
const rules = {
  zoh: (a: Complex, dt: number): [Complex, Complex] => {
    const z = exp(times(a, [dt, 0]));
    return [z, over(add(z, [-1, 0]), a)];
  },
  bilinear: (a: Complex, dt: number): [Complex, Complex] => {
    const half = times(a, [dt / 2, 0]);
    const ahead: Complex = [1 - half[0], -half[1]];
    return [over(add([1, 0], half), ahead), over([dt, 0], ahead)];
  },
};

/** y_t = 2 Re sum_n c_n h_t,n with h_t = z h_{t-1} + gain b u_t: token by token. */
function recurrence(
  u: readonly number[],
  states: readonly { a: Complex; b: Complex; c: Complex }[],
  dt: number,
  rule: keyof typeof rules,
): number[] {
  const discrete = states.map(({ a, b, c }) => {
    const [z, gain] = rules[rule](a, dt);
    return { z, input: times(gain, b), c };
  });
  const h = discrete.map((): Complex => [0, 0]);
  return u.map((value) =>
    discrete.reduce((sum, { z, input, c }, n) => {
      h[n] = add(times(z, h[n] as Complex), times(input, [value, 0]));
      return sum + 2 * times(c, h[n] as Complex)[0];
    }, 0),
  );
}

function slowBlock(weights: PlainWeights, x: Sequence): Sequence {
  const get = (name: string) => weights[name] as Float32Array;
  const width = x[0]?.length ?? 0;
  const count = get("layer.kernel.A_real").length / width;
  const pair = (name: string, i: number): Complex => [get(name)[2 * i] as number, get(name)[2 * i + 1] as number];
  const channels = Array.from({ length: width }, (_, d) => {
    const states = Array.from({ length: count }, (_, n) => {
      const i = d * count + n;
      const a: Complex = [
        -Math.exp(get("layer.kernel.A_real")[i] as number),
        -(get("layer.kernel.A_imag")[i] as number),
      ];
      return { a, b: pair("layer.kernel.B", i), c: pair("layer.kernel.C", i) };
    });
    const u = x.map((row) => row[d] as number);
    const y = recurrence(u, states, Math.exp(get("layer.kernel.inv_dt")[d] as number), "zoh");
    return y.map((value, t) => value + (get("layer.D")[d] as number) * (u[t] as number));
  });
  const y = x.map((_, t) => channels.map((channel) => gelu(channel[t] as number)));
  const both = linear(y, get("output_linear.0.weight"), get("output_linear.0.bias"));
  return combine(
    (value, gate) => value / (1 + Math.exp(-gate)),
    columns(both, 0, width),
    columns(both, width, 2 * width),
  );
}

describe.each(entry.options.initialisation as (typeof entry.defaults.initialisation)[])("from %s", (initialisation) => {
  test.each([
    { stateSize: 6, width: 6, length: 9 },
    { stateSize: 8, width: 8, length: 8 },
    { stateSize: 16, width: 3, length: 70 },
  ])("$length tokens of $width channels equal the recurrence", ({ stateSize, ...context }) => {
    const trial = tryOperator(s4d, { stateSize, initialisation }, context);
    expect(worstError(trial, slowBlock)).toBeLessThan(2e-5);
  });
});

describe.each(["zoh", "bilinear"] as const)("the kernel under %s", (rule) => {
  const complex = (values: Complex[], shape: number[]) => ({
    re: tf.tensor(values.map(([re]) => re), shape), // biome-ignore format: one part a line
    im: tf.tensor(values.map(([, im]) => im), shape), // biome-ignore format: one part a line
  });

  test.each([1, 2, 9, 16, 17, 1024])("is the recurrence's answer to an impulse, over %i tokens", (length) => {
    const states = 32;
    const { decay, frequency } = initialSystem("lin", 2 * states);
    const random = new Random("kernel");
    const draw = (): Complex => [Math.fround(random.normal()), Math.fround(random.normal())];
    const steps = [0.1, 0.01, 0.001].map(Math.fround);
    const a = decay.map((re, n): Complex => [-Math.fround(re), -Math.fround(frequency[n] as number)]);
    const cb = steps.map(() => a.map(draw));

    const system = {
      step: tf.tensor(steps, [1, steps.length, 1]),
      a: complex(steps.flatMap(() => a), [1, steps.length, states]), // biome-ignore format: shape beside values
      cb: complex(cb.flat(), [1, 1, steps.length, states]),
    };
    const kernel = (convolutionKernel(system, length, rule).arraySync() as number[][][][])[0]?.[0] as number[][];
    const impulse = Array.from({ length }, (_, t) => (t === 0 ? 1 : 0));
    for (const [channel, dt] of steps.entries()) {
      const own = a.map((pole, n) => ({ a: pole, b: [1, 0] as const, c: cb[channel]?.[n] as Complex }));
      const expected = recurrence(impulse, own, dt, rule);
      expect(relativeError([kernel[channel] as number[]], [expected])).toBeLessThan(length > 100 ? 2e-4 : 1e-5);
    }
  });
});
