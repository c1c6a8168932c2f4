// mad-lab's autoencoder for the compression task: the layers see the whole sequence, one vector of it goes on, and a
// small decoder writes every token from that vector and the token's position.
//
// Poli et al. 2024, "Mechanistic Design and Scaling of Hybrid Architectures", arXiv:2403.17844, and its code mad-lab.
import * as tf from "@tensorflow/tfjs";
import { linearLayer, normal, zeros } from "../initialize.ts";
import { gelu, project, weight, within } from "../parts.ts";
import type { Model, NamedParameter, Weights } from "../types.ts";
import { embed } from "./embedding.ts";
import {
  type BackboneLayer,
  type BackboneShape,
  inModule,
  residualParameters,
  residualStack,
  restartLinear,
  smallDeviation,
} from "./layers.ts";
import { type NormName, norms } from "./norms.ts";

/** What goes on: the last token, the mean of all, or an extra token `cls_token` put behind them. */
export type Pooling = "last" | "avg" | "cls";

/** Logits come for all `shape.length` positions, whatever the length of the input. */
export function autoencoder(
  layers: readonly BackboneLayer[],
  { width, length, vocabulary, norm = "rms" }: BackboneShape,
  pooling: Pooling = "last",
): Model {
  if (width % 2 !== 0) throw new Error(`width ${width} is odd; positions in sines and cosines need an even width`);
  const parameters: NamedParameter[] = [
    { name: "token_embeds.weight", ...normal([vocabulary, width], smallDeviation) },
    ...(pooling === "cls" ? [{ name: "cls_token", ...normal([1, 1, width]) }] : []),
    ...residualParameters("encoder", layers, width, norm),
    ...decoderParameters(width, norm),
    ...inModule("unembed.0", norms[norm].parameters(width)),
    ...inModule("unembed", linearLayer("1", width, vocabulary, true)),
  ];
  return {
    vocabulary,
    // Every linear map, those of the layers included, and without the exceptions that the language model makes.
    parameters: restartLinear(parameters, {
      weight: ({ shape }) => normal(shape, smallDeviation),
      bias: ({ shape }) => zeros(shape),
    }),

    apply(weights, tokens) {
      const embedded = withClassToken(pooling, weights, embed(weight(weights, "token_embeds.weight"), tokens));
      const { x, update } = residualStack("encoder", layers, norm, weights, embedded);
      const stream: tf.Tensor4D = update ? tf.add(x, update) : x; // [P, B, T, D]
      const code = pooling === "avg" ? tf.mean(stream, 2, true) : lastToken(stream); // [P, B, 1, D]
      const hidden = decode(weights, tf.add(code, positionCode(length, width)), norm);
      const normal: tf.Tensor4D = norms[norm].apply(within(weights, "unembed.0"), hidden);
      return project(normal, weights, "unembed.1"); // [P, B, length, V]
    },
  };
}

function decoderParameters(width: number, norm: NormName): NamedParameter[] {
  return [0, 3].flatMap((block) => [
    ...inModule(`decoder.${block}`, norms[norm].parameters(width)),
    ...inModule("decoder", linearLayer(String(block + 1), width, width, true)),
  ]);
}

/** Twice gelu(Linear(norm(x))), without residuals. x [P, B, T, D]. */
function decode(weights: Weights, x: tf.Tensor4D, norm: NormName): tf.Tensor4D {
  return [0, 3].reduce((hidden, block) => {
    const normal = norms[norm].apply(within(weights, `decoder.${block}`), hidden);
    return gelu(project(normal, weights, `decoder.${block + 1}`));
  }, x);
}

/** [sin(n w_i), cos(n w_i)] for positions n, w_i = 10000^(-i / (D/2 - 1)): [T, D]. */
function positionCode(length: number, width: number): tf.Tensor {
  const half = width / 2;
  const frequency = Array.from({ length: half }, (_, i) => 10_000 ** (-i / Math.max(half - 1, 1)));
  const position = tf.reshape(tf.range(0, length, 1, "float32"), [length, 1]);
  const angle = tf.mul(position, tf.tensor2d(frequency, [1, half]));
  return tf.concat([tf.sin(angle), tf.cos(angle)], 1);
}

function withClassToken(pooling: Pooling, weights: Weights, x: tf.Tensor4D): tf.Tensor4D {
  if (pooling !== "cls") return x;
  const [members, batch, , width] = x.shape;
  const token = tf.reshape(weight(weights, "cls_token"), [members, 1, 1, width]);
  return tf.concat([x, tf.broadcastTo(token, [members, batch, 1, width])], 2);
}

function lastToken(x: tf.Tensor4D): tf.Tensor4D {
  const [members, batch, length, width] = x.shape;
  return tf.slice(x, [0, 0, length - 1, 0], [members, batch, 1, width]);
}
