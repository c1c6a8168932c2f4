// Slow arithmetic on plain arrays in doubles: what operators are compared with. A sequence is T rows of C numbers.
import * as tf from "@tensorflow/tfjs";
import { Random } from "../../genome/random.ts";
import type { Options } from "../../genome/types.ts";
import type { Operator, OperatorContext } from "../../operators/types.ts";

export type Sequence = readonly (readonly number[])[];

/** One member's weights, by name, row-major. */
export type PlainWeights = Readonly<Record<string, Float32Array>>;

export interface Trial {
  /** Per member. */
  readonly weights: readonly PlainWeights[];
  /** x and y [P, B] sequences. */
  readonly x: readonly (readonly Sequence[])[];
  readonly y: readonly (readonly Sequence[])[];
}

/** Runs an operator with two members and two sequences, all different; every weight is moved off its first value. */
export function tryOperator<O extends Options>(
  operator: Operator<O>,
  options: O,
  context: OperatorContext,
  length = context.length,
): Trial {
  const random = new Random(`trial of ${JSON.stringify([options, context])}`);
  const specs = Object.entries(operator.parameters(options, context));
  const weights = [0, 1].map((member) => {
    const own = random.split(member);
    return Object.fromEntries(
      specs.map(([name, { shape, initialize }]) => {
        const values = initialize(own.split(name), shape);
        return [name, values.map((value) => value + 0.1 * own.normal())];
      }),
    );
  });
  const x = [0, 1].map(() => [0, 1].map(() => randomSequence(random, length, context.width)));
  const stacked = Object.fromEntries(
    specs.map(([name, { shape }]) => {
      const members = weights.map((member) => tf.tensor(member[name] as Float32Array, [...shape]));
      return [name, tf.stack(members)];
    }),
  );
  const result = operator.apply(stacked, tf.tensor4d(x as number[][][][]), options, context);
  return { weights, x, y: result.arraySync() };
}

export function randomSequence(random: Random, length: number, channels: number): number[][] {
  return Array.from({ length }, () => Array.from({ length: channels }, () => random.normal()));
}

/** weight [E, D]; bias [E]. */
export function linear(x: Sequence, weight: ArrayLike<number>, bias?: ArrayLike<number>): number[][] {
  const inputs = x[0]?.length ?? 0;
  const outputs = weight.length / inputs;
  return x.map((row) =>
    Array.from({ length: outputs }, (_, e) =>
      row.reduce((sum, value, d) => sum + value * (weight[e * inputs + d] as number), bias?.[e] ?? 0),
    ),
  );
}

/** y_t = sum_k weight[c, k] x_{t - (K-1) + k} + bias; weight [C, 1, K]. */
export function shortConvolution(x: Sequence, weight: ArrayLike<number>, bias?: ArrayLike<number>): number[][] {
  const channels = x[0]?.length ?? 0;
  const taps = weight.length / channels;
  return x.map((row, t) =>
    row.map((_, c) => {
      let sum = bias?.[c] ?? 0;
      for (let k = 0; k < taps; k++) sum += (weight[c * taps + k] as number) * (x[t - (taps - 1) + k]?.[c] ?? 0);
      return sum;
    }),
  );
}

/** y_t = sum_{j <= t} filter[c][j] x_{t-j}. */
export function longConvolution(filter: Sequence, x: Sequence): number[][] {
  return x.map((row, t) =>
    row.map((_, c) => {
      let sum = 0;
      for (let j = 0; j <= t; j++) sum += (filter[c]?.[j] ?? 0) * (x[t - j]?.[c] ?? 0);
      return sum;
    }),
  );
}

/** Element by element. */
export function combine(change: (...values: number[]) => number, ...sequences: Sequence[]): number[][] {
  const [first = []] = sequences;
  return first.map((row, t) => row.map((_, c) => change(...sequences.map((sequence) => sequence[t]?.[c] as number))));
}

export function columns(x: Sequence, from: number, to: number): number[][] {
  return x.map((row) => row.slice(from, to));
}

/** The channels in three equal parts. */
export function thirds(x: Sequence): [Sequence, Sequence, Sequence] {
  const third = (x[0]?.length ?? 0) / 3;
  return [columns(x, 0, third), columns(x, third, 2 * third), columns(x, 2 * third, 3 * third)];
}

export function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}

/** Largest |a - b| relative to the largest |b|. */
export function relativeError(actual: Sequence, expected: Sequence): number {
  const a = actual.flat();
  const b = expected.flat();
  if (a.length !== b.length || a.length === 0) throw new Error(`${a.length} values against ${b.length}`);
  const scale = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (b[i] as number))), 0) / scale;
}

/** Largest relative error over members and sequences of what `slow` computes from one member's weights and one x. */
export function worstError({ weights, x, y }: Trial, slow: (weights: PlainWeights, x: Sequence) => Sequence): number {
  const errors = x.flatMap((batch, p) =>
    batch.map((sequence, b) => relativeError(y[p]?.[b] ?? [], slow(weights[p] as PlainWeights, sequence))),
  );
  return Math.max(...errors);
}

/** x Phi(x), by the power series of erf: exact in doubles for |x| < 5. */
export function gelu(x: number): number {
  const z = x / Math.SQRT2;
  let term = z;
  let sum = z;
  for (let n = 1; n < 120; n++) {
    term *= (-z * z) / n;
    sum += term / (2 * n + 1);
  }
  return (x / 2) * (1 + (2 / Math.sqrt(Math.PI)) * sum);
}
