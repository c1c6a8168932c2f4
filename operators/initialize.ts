// How parameters start, and how a model's flat vector of parameters is drawn.
//
// The rules are PyTorch's defaults: nn.Linear and nn.Conv1d draw weight and bias from U(-1/sqrt(fan_in), 1/sqrt(fan_in))
// (Kaiming uniform with a = sqrt(5)).
import type { Random } from "../genome/random.ts";
import type { NamedParameter, ParameterSpec } from "./types.ts";

type Initializer = ParameterSpec["initialize"];

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, axis) => size * axis, 1);
}

/** Values drawn one after another in row-major order. */
export function drawn(shape: readonly number[], draw: (random: Random) => number): ParameterSpec {
  return { shape, initialize: filled(draw) };
}

export function constant(shape: readonly number[], value: number): ParameterSpec {
  return drawn(shape, () => value);
}

export function zeros(shape: readonly number[]): ParameterSpec {
  return constant(shape, 0);
}

export function ones(shape: readonly number[]): ParameterSpec {
  return constant(shape, 1);
}

/** N(0, deviation^2). */
export function normal(shape: readonly number[], deviation = 1): ParameterSpec {
  return drawn(shape, (random) => deviation * random.normal());
}

/** U(-bound, bound). */
export function uniform(shape: readonly number[], bound: number): ParameterSpec {
  return drawn(shape, (random) => bound * (2 * random.uniform() - 1));
}

/** nn.Linear(inputs, outputs) called `name`: `name.weight` [out, in] and, if asked for, `name.bias` [out]. */
export function linearLayer(
  name: string,
  inputs: number,
  outputs: number,
  bias = false,
): Record<string, ParameterSpec> {
  const bound = 1 / Math.sqrt(inputs);
  return {
    [`${name}.weight`]: uniform([outputs, inputs], bound),
    ...(bias && { [`${name}.bias`]: uniform([outputs], bound) }),
  };
}

/** Depthwise nn.Conv1d(channels, channels, taps, groups=channels) called `name`: `name.weight` [C, 1, K], `name.bias` [C]. */
export function depthwiseLayer(
  name: string,
  channels: number,
  taps: number,
  bias = true,
): Record<string, ParameterSpec> {
  const bound = 1 / Math.sqrt(taps);
  return {
    [`${name}.weight`]: uniform([channels, 1, taps], bound),
    ...(bias && { [`${name}.bias`]: uniform([channels], bound) }),
  };
}

/** One member's parameters as a flat vector [N], each drawn from the stream named after it. */
export function drawParameters(
  model: { readonly parameters: readonly NamedParameter[] },
  random: Random,
): Float32Array {
  const flat = new Float32Array(model.parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0));
  let offset = 0;
  for (const { name, shape, initialize } of model.parameters) {
    const values = initialize(random.split(name), shape);
    if (values.length !== sizeOf(shape)) {
      throw new Error(`parameter "${name}" of shape [${shape}] was initialised with ${values.length} values`);
    }
    flat.set(values, offset);
    offset += values.length;
  }
  return flat;
}

function filled(draw: (random: Random) => number): Initializer {
  return (random, shape) => Float32Array.from({ length: sizeOf(shape) }, () => draw(random));
}
