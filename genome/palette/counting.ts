// What a floating-point operation is here, and the counts that several operators share.
//
// Counted, per token of one sequence of `length` tokens, forward only: every multiplication and every addition of
// linear maps, convolutions, scores, recurrences and gates (a multiply-add is 2).
// Not counted: biases, norms, softmax and other transcendental functions, and what does not depend on the input (the
// long filters of Hyena, S4D and Monarch Mixer are computed once per model, not once per token).
// Long convolutions are counted as FFT convolutions, recurrences as scans, causal attention by the keys really visible.

/** A dense map of one token. */
export function dense(inputs: number, outputs: number): number {
  return 2 * inputs * outputs;
}

/** Depthwise convolution of one token with `taps` taps. */
export function shortConvolution(channels: number, taps: number): number {
  return 2 * channels * taps;
}

/**
 * Causal convolution of one channel with a filter as long as the sequence, per token: two real FFTs of n points at
 * 2.5 n log2 n each and n / 2 complex products at 6, with n the power of two that holds twice the length.
 */
export function longConvolution(length: number): number {
  let bits = 1;
  while (2 ** bits < 2 * length) bits++;
  const points = 2 ** bits;
  return (5 * points * bits + 3 * points) / length;
}

/** Keys that the average query sees: itself, and everything before it or at most `window` of that. */
export function meanVisibleKeys(length: number, window = length): number {
  const reach = Math.min(window + 1, length);
  return ((reach * (reach + 1)) / 2 + (length - reach) * reach) / length;
}

/** Softmax attention without its projections: scores and weighted values over all heads. */
export function attentionMixing(width: number, visibleKeys: number): number {
  return 4 * width * visibleKeys;
}
