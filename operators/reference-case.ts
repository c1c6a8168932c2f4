// Records of the published code, and how an operator runs one: an adapter from the published system's config to ours.
import type * as tf from "@tensorflow/tfjs";
import type { StoredTensor } from "./safetensors.ts";
import type { OperatorContext, Weights } from "./types.ts";

/** One record: the JSON that describes it and its tensors by name. */
export interface ReferenceRecord {
  readonly system: string;
  readonly case: string;
  readonly description: Readonly<Record<string, unknown>>;
  readonly tensors: Readonly<Record<string, StoredTensor>>;
}

/** How we did on a record. */
export interface ReferenceVerdict {
  readonly verdict: "pass" | "fail" | "unsupported";
  /** Largest error, relative to the largest magnitude of its tensor; null where nothing was compared. */
  readonly maxErrorY: number | null;
  readonly maxErrorGradients: number | null;
  /** A sentence that says why it did not pass; empty where it did. */
  readonly detail: string;
}

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

/** The context of an operator that is run on x [1, B, T, D] alone. */
export function contextOf(x: tf.Tensor): OperatorContext {
  return { width: x.shape[3] ?? 0, length: x.shape[2] ?? 0 };
}

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
