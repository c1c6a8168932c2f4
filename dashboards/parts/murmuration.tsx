// Starling's sign: a flock that turns. The same formula draws the small logo and the large flock of the login page.

export interface Bird {
  readonly x: number;
  readonly y: number;
  readonly size: number;
  /** Degrees. */
  readonly heading: number;
}

/** Birds along a bent band, on golden-angle steps so that no two flocks of any size look like a grid. */
export function flock(count: number, width: number, height: number): Bird[] {
  return Array.from({ length: count }, (_, i) => {
    const along = (i + 0.5) / count;
    const across = ((i * 0.618034) % 1) * 2 - 1;
    const depth = ((i * 0.754878) % 1) * 2 - 1;
    const bend = Math.sin(along * Math.PI * 1.7 - 0.5);
    const girth = Math.sin(Math.PI * along ** 0.75) ** 1.2;
    const x = width * (0.04 + 0.92 * along + 0.03 * depth);
    const y = height * (0.52 - 0.27 * bend + 0.24 * girth * across);
    const slope = -0.27 * height * Math.cos(along * Math.PI * 1.7 - 0.5) * Math.PI * 1.7;
    const heading = (Math.atan2(slope, width) * 180) / Math.PI + 14 * depth;
    return { x, y, size: 0.55 + 0.45 * girth * (0.6 + 0.4 * depth), heading };
  });
}

const wings = "M-1 .35Q-.55-.55 0 0 .55-.55 1 .35 .5-.12 0 .3-.5-.12-1 .35Z";

export function Flock({ count, width, height, scale }: { count: number; width: number; height: number; scale: number }) {
  return (
    <svg class="flock" viewBox={`0 0 ${width} ${height}`} aria-hidden="true" focusable="false">
      {flock(count, width, height).map(({ x, y, size, heading }, i) => (
        <path
          key={x}
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
  [5, 24, 1.6, 20],
  [8.5, 19.5, 2.1, 10],
  [10, 26, 1.9, 15],
  [13.5, 14.5, 2.6, -5],
  [14.5, 21, 3, 5],
  [20, 9, 3.2, -22],
  [21, 16.5, 3.8, -15],
  [26.5, 6, 2.4, -32],
  [27, 12.5, 2.2, -28],
  [17.5, 26, 1.9, 8],
  [24.5, 21.5, 1.7, -10],
];
