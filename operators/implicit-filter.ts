// The implicit long filter: a sine network from position features to one tap per channel, under exponential windows.
//
// Poli et al. 2023, "Hyena Hierarchy", arXiv:2302.10866, eq. 7 and section 3.3. As published, the position features are
// trained, all sines share one frequency vector, and the windows' decay rates are constants.
import * as tf from "@tensorflow/tfjs";
import { constant, linearLayer } from "./initialize.ts";
import { extendTo, project, weight } from "./parts.ts";
import type { ParameterSpec, Weights } from "./types.ts";

export interface ImplicitFilterSize {
  readonly channels: number;
  /** Width of the network. */
  readonly order: number;
  /** Odd: the time, and the cosine and sine of (features - 1) / 2 frequencies. */
  readonly features: number;
  /** Taps L; positions and windows are relative to it. */
  readonly length: number;
  /** First value of the sines' frequencies. */
  readonly frequency?: number;
}

/** Window exp(-t delta) + shift, t in [0, 1]; it has fallen to `target` at t = `slow` in the first channel, `fast` in the last. */
export interface Modulation {
  readonly fast: number;
  readonly slow: number;
  readonly target: number;
  readonly shift: number;
}

export const publishedModulation: Modulation = { fast: 0.3, slow: 1.5, target: 1e-2, shift: 0 };

/** Layers are the even entries of nn.Sequential, sines the odd ones; two layers inside. */
export function implicitFilterParameters(module: string, size: ImplicitFilterSize): Record<string, ParameterSpec> {
  const { channels, order, features, length, frequency = 1 } = size;
  const network = `${module}.implicit_filter`;
  return {
    [`${module}.pos_emb.z`]: { shape: [1, length, features], initialize: () => positionFeatures(length, features) },
    ...linearLayer(`${network}.0`, features, order, true),
    [`${network}.1.freq`]: constant([1, order], frequency),
    ...linearLayer(`${network}.2`, order, order, true),
    ...linearLayer(`${network}.4`, order, order, true),
    ...linearLayer(`${network}.6`, order, channels),
  };
}

export interface ImplicitFilterForm {
  /** Name of the network's layers; another network than `implicit_filter` still uses that one's frequencies. */
  readonly network?: string;
  /** Factor on the sines' frequencies. */
  readonly frequencyScale?: number;
  readonly modulation?: Modulation;
}

/** The first T taps [P, C, T] of the filter whose weights these are; zeros after its own length L. */
export function implicitFilter(weights: Weights, length: number, form: ImplicitFilterForm = {}): tf.Tensor3D {
  const { network = "implicit_filter", frequencyScale = 1, modulation = publishedModulation } = form;
  const positions = weight(weights, "pos_emb.z"); // [P, 1, L, F]
  const [members = 1, , longest = 1, features = 1] = positions.shape;
  const frequency: tf.Tensor3D = tf.reshape(weight(weights, "implicit_filter.1.freq"), [members, 1, -1]);
  const turns = tf.mul(frequency, frequencyScale);

  const rows: tf.Tensor3D = tf.reshape(positions, [members, longest, features]);
  const count = Math.min(length, longest);
  let h = tf.slice(rows, 0, [members, count, features]);
  let layer = 0;
  for (; weights[`${network}.${layer + 2}.weight`]; layer += 2) {
    const turned: tf.Tensor3D = tf.mul(turns, project(h, weights, `${network}.${layer}`)); // [P, T, O]
    h = tf.sin(turned);
  }
  const taps = project(h, weights, `${network}.${layer}`); // [P, T, C]
  const windowed = tf.mul(taps, windows(count, longest, taps.shape[2], modulation)) as tf.Tensor3D;
  return extendTo(tf.transpose(windowed, [0, 2, 1]), length);
}

/** Window of every channel [T, C]. The rates |ln target| / t go in equal steps from the slow channel to the fast one. */
function windows(length: number, longest: number, channels: number, modulation: Modulation): tf.Tensor2D {
  const { fast, slow, target, shift } = modulation;
  const slowest = Math.abs(Math.log(target) / slow);
  const fastest = Math.abs(Math.log(target) / fast);
  const rate = tf.add(
    tf.mul(tf.range(0, channels, 1, "float32"), (fastest - slowest) / Math.max(channels - 1, 1)),
    slowest,
  );
  const time: tf.Tensor2D = tf.reshape(tf.mul(tf.range(0, length, 1, "float32"), -1 / Math.max(longest - 1, 1)), [
    length,
    1,
  ]);
  const decay = tf.exp(tf.mul(time, rate)) as tf.Tensor2D;
  return shift === 0 ? decay : tf.add(decay, shift);
}

/** Row t: t / (L - 1), then cos(f w t) for every frequency f, then -sin(f w t); w = 2 pi / L. [L, F]. */
export function positionFeatures(length: number, features: number): Float32Array {
  const bands = (features - 1) / 2;
  const frequencies = Array.from({ length: bands }, (_, band) => equalSteps(1e-4, bands - 1, bands, band));
  const rows = Array.from({ length }, (_, t) => {
    const angles = frequencies.map((frequency) => (frequency * 2 * Math.PI * t) / length);
    return [equalSteps(0, 1, length, t), ...angles.map(Math.cos), ...angles.map((angle) => -Math.sin(angle))];
  });
  return Float32Array.from(rows.flat());
}

/** Entry i of `count` numbers in equal steps from `first` to `last`; the first where there is only one. */
function equalSteps(first: number, last: number, count: number, i: number): number {
  return count === 1 ? first : first + ((last - first) * i) / (count - 1);
}
