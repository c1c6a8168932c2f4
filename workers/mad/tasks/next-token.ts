// Next-token form of an instance, shared by the recall tasks.
import { ignored } from "./types.ts";

/**
 * Writes T + 1 tokens as T inputs and T targets. In training every next token is a target, also the unpredictable
 * ones; in a test only those that `labels` asks for.
 */
export function writeShifted(
  { tokens, labels }: { readonly tokens: readonly number[]; readonly labels: readonly number[] },
  training: boolean,
  inputs: Int32Array,
  targets: Int32Array,
): void {
  if (tokens.length !== inputs.length + 1 || labels.length !== tokens.length) {
    throw new Error(`an instance of ${tokens.length} tokens, ${labels.length} labels for rows of ${inputs.length}`);
  }
  const next = training ? tokens : labels;
  for (let t = 0; t < inputs.length; t++) {
    inputs[t] = tokens[t] as number;
    targets[t] = next[t + 1] as number;
  }
}

export function ignoredTimes(count: number): number[] {
  return Array<number>(count).fill(ignored);
}
