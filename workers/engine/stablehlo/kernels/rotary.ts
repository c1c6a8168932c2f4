// Rotary positions as tables: x_c cos_tc + x_partner(c) sin_tc turns x at position t.
//
// Su et al. 2021, "RoFormer", arXiv:2104.09864, eq. 34, half-split as in `operators/attention/rotary.ts`: channel i < R/2
// has the partner i + R/2 and the angle t base^(-2i/R).

export interface Rotary {
  readonly length: number;
  /** Channels of a head, of which the first `channels` are turned. */
  readonly width: number;
  readonly channels: number;
  readonly base: number;
}

/** Both [T, K]; sin with its sign, and 0 beside a cos of 1 where nothing is turned. */
export function rotaryTables({ length, width, channels, base }: Rotary): { cos: Float32Array; sin: Float32Array } {
  const half = channels / 2;
  const angle = (t: number, c: number) => t * base ** ((-2 * (c % half)) / channels);
  const table = (entry: (t: number, c: number) => number, still: number) =>
    Float32Array.from({ length: length * width }, (_, place) => {
      const c = place % width;
      return c < channels ? entry(Math.floor(place / width), c) : still;
    });
  return {
    cos: table((t, c) => Math.cos(angle(t, c)), 1),
    sin: table((t, c) => (c < half ? -1 : 1) * Math.sin(angle(t, c)), 0),
  };
}
