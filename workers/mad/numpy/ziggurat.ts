// Standard normal draws by a ziggurat of 256 levels, as numpy's `standard_normal`.
//
// Marsaglia and Tsang 2000, "The Ziggurat Method for Generating Random Variables". The tables are computed here from
// the method's two constants; numpy ships them as literals that differ in the last digits, so draws agree to about
// 1e-13 relative, not bit for bit. No MAD task draws normals.
import type { Pcg64 } from "./pcg64.ts";

const levels = 256;
const rightEdge = 3.6541528853610088;
/** Area of each level, tail included. */
const area = 0.004928673233974655;
const mantissa = 2 ** 52;

const widths = new Float64Array(levels);
const heights = new Float64Array(levels);
/** Draws below this need no second look. */
const inside = new Float64Array(levels);
fillTables();

export function standardNormal(bits: Pcg64): number {
  for (;;) {
    bits.next();
    const { low, high } = bits;
    const level = low & 0xff;
    const negative = (low & 0x100) !== 0;
    const magnitude = (low >>> 9) + (high & 0x1fffffff) * 8388608; // 52 bits
    const x = magnitude * (widths[level] as number);
    if (magnitude < (inside[level] as number)) return negative ? -x : x;
    if (level === 0) {
      const beyond = rightEdge + tail(bits);
      return (low >>> 17) & 1 ? -beyond : beyond;
    }
    const top = heights[level - 1] as number;
    const bottom = heights[level] as number;
    if ((top - bottom) * bits.double() + bottom < Math.exp(-0.5 * x * x)) return negative ? -x : x;
  }
}

/** Distance beyond the right edge, by Marsaglia's exponential rejection. */
function tail(bits: Pcg64): number {
  for (;;) {
    const x = -Math.log1p(-bits.double()) / rightEdge;
    const y = -Math.log1p(-bits.double());
    if (y + y > x * x) return x;
  }
}

function fillTables(): void {
  let edge = rightEdge;
  widths[levels - 1] = edge / mantissa;
  heights[levels - 1] = Math.exp(-0.5 * edge * edge);
  const lowest = heights[levels - 1] as number;
  widths[0] = area / lowest / mantissa;
  heights[0] = 1;
  inside[0] = Math.floor(((edge * lowest) / area) * mantissa);
  for (let level = levels - 2; level > 0; level--) {
    const next = Math.sqrt(-2 * Math.log(area / edge + (heights[level + 1] as number)));
    inside[level + 1] = Math.floor((next / edge) * mantissa);
    widths[level] = next / mantissa;
    heights[level] = Math.exp(-0.5 * next * next);
    edge = next;
  }
  inside[1] = 0;
}
