import { positionsOf } from "../architecture.ts";

/** The architecture in one line: a tile per position, input first. */
export function GenomeStrip({ genome, changed }: { genome: string; changed?: ReadonlySet<number> }) {
  const positions = positionsOf(genome);
  if (positions === null) return <code class="genome-text">{genome}</code>;
  return (
    <span
      class="strip"
      style={{ "--tiles": Math.min(8, positions.length) }}
      role="img"
      aria-label={positions.map(({ title }) => title).join(", ")}
    >
      {positions.map(({ index, title, sign, family }) => (
        <span
          key={index}
          class={changed?.has(index) ? "tile tile-changed" : "tile"}
          data-family={family}
          title={`${index + 1}: ${title}`}
        >
          {sign}
        </span>
      ))}
    </span>
  );
}
