// A model small enough to be trained by hand: the logits of a token are one row of a table.
import * as tf from "@tensorflow/tfjs";
import { normal } from "../../../operators/initialize.ts";
import type { Model } from "../../../operators/types.ts";

export function bigramModel(vocabulary: number): Model {
  return {
    vocabulary,
    parameters: [{ name: "table", ...normal([vocabulary, vocabulary], 0.5) }],
    apply: ({ table }, tokens) => {
      const [members, batch, length] = tokens.shape;
      const rows = tf.reshape(tf.oneHot(tokens, vocabulary), [members, batch * length, vocabulary]);
      const logits = tf.matMul(tf.cast(rows, "float32"), table as tf.Tensor3D);
      return tf.reshape(logits, [members, batch, length, vocabulary]);
    },
  };
}

/** AdamW on that table with plain loops, from the equations of torch.optim.AdamW. */
export class BigramByHand {
  readonly table: number[];
  readonly #vocabulary: number;
  readonly #rates: { readonly learningRate: number; readonly weightDecay: number };
  readonly #first: number[];
  readonly #second: number[];
  #steps = 0;

  constructor(vocabulary: number, initial: ArrayLike<number>, rates: { learningRate: number; weightDecay: number }) {
    this.#vocabulary = vocabulary;
    this.#rates = rates;
    this.table = Array.from(initial);
    this.#first = this.table.map(() => 0);
    this.#second = this.table.map(() => 0);
  }

  /** Mean cross-entropy and its gradient over the pairs whose target is not ignored. */
  lossAndGradient(pairs: readonly (readonly [input: number, target: number])[]): { loss: number; gradient: number[] } {
    const scored = pairs.filter(([, target]) => target !== -100);
    const gradient = this.table.map(() => 0);
    let loss = 0;
    for (const [input, target] of scored) {
      const logits = this.#row(input);
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
      loss += (Math.log(total) - (logits[target] as number)) / scored.length;
      for (const [token, logit] of logits.entries()) {
        gradient[input * this.#vocabulary + token]! +=
          (Math.exp(logit) / total - (token === target ? 1 : 0)) / scored.length;
      }
    }
    return { loss, gradient };
  }

  /** Returns the loss before the update. */
  step(pairs: readonly (readonly [number, number])[]): number {
    const { loss, gradient } = this.lossAndGradient(pairs);
    const { learningRate, weightDecay } = this.#rates;
    this.#steps++;
    for (const [i, slope] of gradient.entries()) {
      this.#first[i] = 0.9 * (this.#first[i] as number) + 0.1 * slope;
      this.#second[i] = 0.999 * (this.#second[i] as number) + 0.001 * slope * slope;
      const first = (this.#first[i] as number) / (1 - 0.9 ** this.#steps);
      const second = (this.#second[i] as number) / (1 - 0.999 ** this.#steps);
      this.table[i] = (this.table[i] as number) * (1 - learningRate * weightDecay);
      this.table[i]! -= (learningRate * first) / (Math.sqrt(second) + 1e-8);
    }
    return loss;
  }

  predict(input: number): number {
    const logits = this.#row(input);
    return logits.indexOf(Math.max(...logits));
  }

  #row(input: number): number[] {
    return this.table.slice(input * this.#vocabulary, (input + 1) * this.#vocabulary);
  }
}
