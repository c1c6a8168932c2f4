// Everything besides genome and setting that decides a score, with a version that is raised when a score would change.
//
// `mad-2024` is what the published code does (athms/mad-lab 0f49a45), also where the paper says otherwise: the learning
// rate is constant (a cosine schedule is requested under a key that Lightning drops), and the test set chooses the
// stop, the checkpoint and the grid cell. `mad-strict` makes all three choices on examples of their own, drawn after
// the test from the same stream, so that training and test examples are those of `mad-2024`.
// Where ours differs from the published code: float32 instead of bf16, another order of training examples (torch
// shuffles with its own generator), and initial parameters from named streams.
import { Random, type SearchConfig } from "../../genome/index.ts";

export type RecipeName = SearchConfig["recipe"];

export interface Recipe {
  readonly name: RecipeName;
  /** Part of every result's key. */
  readonly version: string;
  /** Seed of every data set. */
  readonly dataSeed: number;
  /** The split that chooses stop, checkpoint (lowest perplexity) and grid cell (highest accuracy). */
  readonly selection: "test" | "validation";
  /** Examples of the validation split; 0 where there is none. */
  readonly validationExamples: (testExamples: number) => number;
  /** A member stops once its accuracy on the selection split is above this. */
  readonly stopAbove: number;
}

/** Learning rates x weight decays of the benchmark. AdamW, betas (0.9, 0.999), eps 1e-8, decay on every parameter. */
export const publishedGrid = { learningRates: [1e-4, 5e-4, 1e-3], weightDecays: [0, 0.1] } as const;

const published = { dataSeed: 12345, stopAbove: 0.999 };

export const recipes = {
  "mad-2024": {
    ...published,
    name: "mad-2024",
    version: "mad-2024.1",
    selection: "test",
    validationExamples: () => 0,
  },
  "mad-strict": {
    ...published,
    name: "mad-strict",
    version: "mad-strict.1",
    selection: "validation",
    validationExamples: (testExamples) => testExamples,
  },
} satisfies Record<RecipeName, Recipe>;

/**
 * The streams of one evaluation, from names alone. All members start from the same parameters and see the same
 * batches: they differ in their learning rate and weight decay only, and a cell's result does not depend on its mates.
 */
export function evaluationStreams(seed: number, settingKey: string): { parameters: Random; order: Random } {
  const stream = new Random(`evaluation/${seed}/${settingKey}`);
  return { parameters: stream.split("parameters"), order: stream.split("order") };
}
