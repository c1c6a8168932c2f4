// Where the names of a few points go so that they cover neither each other nor a point.

export interface Dot {
  readonly text: string;
  /** Pixels from the left and from the top. */
  readonly x: number;
  readonly y: number;
}

export interface PlacedLabel extends Dot {
  readonly anchor: "start" | "end" | "middle";
  readonly dx: number;
  readonly dy: number;
}

export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const spots: readonly Pick<PlacedLabel, "anchor" | "dx" | "dy">[] = [
  { anchor: "start", dx: 9, dy: 0 },
  { anchor: "end", dx: -9, dy: 0 },
  { anchor: "middle", dx: 0, dy: -14 },
  { anchor: "middle", dx: 0, dy: 14 },
  { anchor: "start", dx: 8, dy: -13 },
  { anchor: "start", dx: 8, dy: 13 },
  { anchor: "end", dx: -8, dy: -13 },
  { anchor: "end", dx: -8, dy: 13 },
  { anchor: "middle", dx: 0, dy: -28 },
  { anchor: "middle", dx: 0, dy: 28 },
];

/**
 * Greedy: each label takes the first of ten spots that is inside the frame and clear of dots, labels and `lines`; where
 * there is none, the first that crosses lines only; else the first spot.
 */
export function placeLabels(
  dots: readonly Dot[],
  frame: Box,
  fontSize: number,
  lines: readonly Box[] = [],
): PlacedLabel[] {
  const taken: Box[] = dots.map(({ x, y }) => ({ left: x - 5, right: x + 5, top: y - 5, bottom: y + 5 }));
  return dots.map((dot, index) => {
    const boxes = spots.map((spot) => boxOf(dot, spot, fontSize));
    const free = boxes.map(
      (box) => isInside(box, frame) && !taken.some((other, i) => i !== index && overlaps(box, other)),
    );
    const clear = boxes.findIndex((box, i) => free[i] && !lines.some((line) => overlaps(box, line)));
    const choice = Math.max(clear >= 0 ? clear : free.indexOf(true), 0);
    taken.push(boxes[choice] as Box);
    return { ...dot, ...(spots[choice] as (typeof spots)[number]) };
  });
}

function boxOf({ text, x, y }: Dot, { anchor, dx, dy }: (typeof spots)[number], fontSize: number): Box {
  const width = text.length * fontSize * 0.58;
  const start = { start: 0, middle: -width / 2, end: -width }[anchor];
  const left = x + dx + start;
  return { left, right: left + width, top: y + dy - fontSize * 0.6, bottom: y + dy + fontSize * 0.6 };
}

const isInside = (box: Box, frame: Box) =>
  box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom;

const overlaps = (a: Box, b: Box) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
