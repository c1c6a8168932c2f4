// How an operator runs a case of the published code: an adapter from the published system's config to our operator.
import type * as tf from "@tensorflow/tfjs";
import type { Weights } from "./types.ts";

/** A published option or size that we do not have; the message is a sentence. Not a failure: the case is left out. */
export class UnsupportedCase extends Error {
  override readonly name = "UnsupportedCase";
}

/** The sizes and options of a case, as its JSON has them. */
export type CaseConfig = Readonly<Record<string, unknown>>;

/**
 * Computes a case, with members axis P = 1 on everything: weights (parameters and buffers under their published names)
 * [1, ...], x [1, B, T, D] or tokens [1, B, T] int32 -> y [1, ...], and by name whatever intermediate values
 * (`kernel`, ...) the published record may hold as well.
 */
export type ReferenceForward = (
  weights: Weights,
  x: tf.Tensor,
) => { readonly y: tf.Tensor; readonly [name: string]: tf.Tensor };

/** Reads the config; throws `UnsupportedCase`. */
export type ReferenceAdapter = (config: CaseConfig) => ReferenceForward;

/** The adapters of one operator by published system name. */
export type ReferenceAdapters = Readonly<Record<string, ReferenceAdapter>>;

export function readNumber(config: CaseConfig, key: string, fallback?: number): number {
  const value = config[key] ?? fallback;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new UnsupportedCase(`Option "${key}" is ${JSON.stringify(value)} where a number is expected.`);
}

export function readFlag(config: CaseConfig, key: string, fallback: boolean): boolean {
  const value = config[key] ?? fallback;
  if (typeof value === "boolean") return value;
  throw new UnsupportedCase(`Option "${key}" is ${JSON.stringify(value)} where true or false is expected.`);
}

/** One of the names in `choices`. */
export function readChoice<const C extends string>(
  config: CaseConfig,
  key: string,
  choices: readonly C[],
  fallback?: C,
): C {
  const value = config[key] ?? fallback;
  const choice = choices.find((name) => name === value);
  if (choice !== undefined) return choice;
  throw new UnsupportedCase(`Option "${key}" is ${JSON.stringify(value)}; we have ${choices.join(", ")}.`);
}
