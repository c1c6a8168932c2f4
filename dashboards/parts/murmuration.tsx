// Starling's sign: a flock that turns. The same formula draws the small logo and the large flock of the login page.

export interface Bird {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  /** Degrees. */
  readonly heading: number;
}

/** Birds along a bent band, thickest before its middle; always the same ones. */
export function flock(count: number, width: number, height: number): Bird[] {
  return Array.from({ length: count }, (_, i) => {
    const along = 0.5 + 0.5 * (noise(3 * i) + noise(3 * i + 1) - 1) * 1.15 - 0.04;
    const across = noise(3 * i + 2) + noise(3 * i + 5) - 1;
    const depth = noise(7 * i + 4) * 2 - 1;
    const phase = along * Math.PI * 1.7 - 0.5;
    const girth = Math.max(0.08, Math.sin(Math.PI * Math.min(1, Math.max(0, along)) ** 0.8));
    const x = width * (0.04 + 0.92 * along);
    const y = height * (0.52 - 0.24 * Math.sin(phase) + 0.3 * girth * across);
    const heading = (Math.atan2(-0.24 * height * Math.cos(phase) * Math.PI * 1.7, width) * 180) / Math.PI;
    return { x, y, size: 0.7 + 0.45 * depth, heading: heading + 16 * (noise(5 * i + 3) - 0.5) };
  });
}

/** A number in [0, 1) that looks thrown, from a whole number. */
function noise(i: number): number {
  const wave = Math.sin(i * 12.9898 + 4.1) * 43758.5453;
  return wave - Math.floor(wave);
}

const wings = "M-1 .4Q-.6-.75 0-.05 .6-.75 1 .4 .5-.05 0 .55-.5-.05-1 .4Z";

export function Flock({
  count,
  width,
  height,
  scale,
}: {
  count: number;
  width: number;
  height: number;
  scale: number;
}) {
  return (
    <svg class="flock" viewBox={`0 0 ${width} ${height}`} aria-hidden="true" focusable="false">
      {flock(count, width, height).map(({ x, y, size, heading }, i) => (
        <path
          key={`${x}`}
          d={wings}
          class={`bird bird-${i % 3}`}
          transform={`translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${heading.toFixed(0)}) scale(${(size * scale).toFixed(2)})`}
        />
      ))}
    </svg>
  );
}

export function Logo() {
  return (
    <span class="logo">
      <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false">
        {logoBirds.map(([x, y, size, heading]) => (
          <path
            key={`${x}-${y}`}
            d={wings}
            fill="currentColor"
            transform={`translate(${x} ${y}) rotate(${heading}) scale(${size})`}
          />
        ))}
      </svg>
      <span>Starling</span>
    </span>
  );
}

/** The flock of the logo and of `public/favicon.svg`: x, y, size, heading. */
const logoBirds: readonly (readonly [number, number, number, number])[] = [
  [4, 25.5, 2.6, 24],
  [9, 20.5, 3.4, 12],
  [12.5, 27, 2.8, 14],
  [14, 14.5, 4.2, -6],
  [17.5, 21.5, 4.6, 2],
  [20.5, 8.5, 4.2, -24],
  [24, 15.5, 4.4, -18],
  [28, 4.5, 2.8, -34],
  [25.5, 23, 2.8, -12],
];
