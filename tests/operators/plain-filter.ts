// Hyena's implicit filter as a slow loop: arXiv:2302.10866, eq. 7, with sine activations of a shared frequency.
import { linear, type PlainWeights } from "./plain.ts";

/** taps[c][t] for t < length, of a filter built for `longest` taps. */
export function implicitFilter(
  weights: PlainWeights,
  module: string,
  { longest, length, network = "implicit_filter" }: { longest: number; length: number; network?: string },
): number[][] {
  const get = (name: string) => weights[`${module}.${name}`] as Float32Array;
  const positions = get("pos_emb.z");
  const features = positions.length / longest;
  const frequency = get("implicit_filter.1.freq");
  const taps = Array.from({ length }, (_, t) => {
    let rows = [[...positions.subarray(t * features, (t + 1) * features)]];
    for (const layer of [0, 2, 4]) {
      const sums = linear(rows, get(`${network}.${layer}.weight`), get(`${network}.${layer}.bias`));
      rows = sums.map((row) => row.map((sum, i) => Math.sin((frequency[i] as number) * sum)));
    }
    return linear(rows, get(`${network}.6.weight`))[0] as number[];
  });

  const channels = taps[0]?.length ?? 0;
  const slowest = Math.log(0.01) / 1.5;
  const fastest = Math.log(0.01) / 0.3;
  return Array.from({ length: channels }, (_, c) => {
    const rate = channels === 1 ? slowest : slowest + ((fastest - slowest) * c) / (channels - 1);
    return taps.map((row, t) => (row[c] as number) * Math.exp((rate * t) / (longest - 1)));
  });
}
