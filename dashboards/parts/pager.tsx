import { useState } from "preact/hooks";

/** Where a reader stands in a list that is known one page at a time. */
export interface Place {
  readonly cursor: string | null;
  readonly page: number;
  readonly next: (cursor: string) => void;
  readonly back: () => void;
}

/** Cursors only lead forward, so the way back is remembered. Another `key` starts at the first page. */
export function usePlace(key: string): Place {
  const [way, setWay] = useState<{ key: string; cursors: string[] }>({ key, cursors: [] });
  const cursors = way.key === key ? way.cursors : [];
  return {
    cursor: cursors.at(-1) ?? null,
    page: cursors.length + 1,
    next: (cursor) => setWay({ key, cursors: [...cursors, cursor] }),
    back: () => setWay({ key, cursors: cursors.slice(0, -1) }),
  };
}

export function Pager({ place, nextCursor, label }: { place: Place; nextCursor: string | null; label: string }) {
  if (place.page === 1 && nextCursor === null) return null;
  return (
    <nav class="pager" aria-label={label}>
      <button type="button" class="button button-small" disabled={place.page === 1} onClick={place.back}>
        Previous
      </button>
      <span>Page {place.page}</span>
      <button
        type="button"
        class="button button-small"
        disabled={nextCursor === null}
        onClick={() => nextCursor !== null && place.next(nextCursor)}
      >
        Next
      </button>
    </nav>
  );
}
