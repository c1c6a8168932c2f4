// Which examples each training step sees: all of them once per epoch, every epoch in an order of its own.
//
// The last batch of an epoch is kept though it may be smaller: it is filled up with the row that follows the data set,
// whose targets are all ignored. The order comes from our own stream; torch's DataLoader would shuffle differently.
import type { Random } from "../../genome/index.ts";

export interface BatchPlan {
  /** Examples N; row N is the ignored one. */
  readonly examples: number;
  readonly batch: number;
}

export class BatchOrder {
  readonly #plan: BatchPlan;
  readonly #random: Random;
  #epoch = -1;
  #order: readonly number[] = [];

  constructor(plan: BatchPlan, random: Random) {
    this.#plan = plan;
    this.#random = random;
  }

  /** Rows [B] of the step with this number, counted from 0. */
  rows(step: number): Int32Array {
    const { examples, batch } = this.#plan;
    const perEpoch = Math.ceil(examples / batch);
    this.#turnTo(Math.floor(step / perEpoch));
    const start = (step % perEpoch) * batch;
    return Int32Array.from({ length: batch }, (_, i) => this.#order[start + i] ?? examples);
  }

  #turnTo(epoch: number): void {
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    const inOrder = Array.from({ length: this.#plan.examples }, (_, row) => row);
    this.#order = this.#random.split(`epoch ${epoch}`).shuffle(inOrder);
  }
}

/** Each slice of rows [B] once for every member: [K, P, B] of K slices. */
export function forMembers(slices: readonly Int32Array[], members: number): Int32Array {
  const batch = slices[0]?.length ?? 0;
  const all = new Int32Array(slices.length * members * batch);
  for (const [k, rows] of slices.entries()) {
    for (let member = 0; member < members; member++) all.set(rows, (k * members + member) * batch);
  }
  return all;
}
