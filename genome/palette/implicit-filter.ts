// The implicit long filter of Hyena and Monarch Mixer, counted: a sine MLP from position features to one tap per channel.
//
// Poli et al. 2023, arXiv:2302.10866, eq. 7. Two inner layers; all sines share one frequency vector; the last layer has
// no bias; the position features themselves are trained; each channel has a skip weight.

/** Trainable numbers of a filter of `length` taps for `channels` channels, `order` wide inside. */
export function implicitFilterParameters(channels: number, order: number, features: number, length: number): number {
  const positions = length * features;
  const first = order * features + order;
  const inner = 2 * (order * order + order);
  const frequency = order;
  const last = channels * order;
  const skip = channels;
  return positions + first + inner + frequency + last + skip;
}
