// Keyset cursors: the sort key of the last item seen, so that a page costs the same however deep it lies.
import type { z } from "zod";
import { AppError } from "../errors.ts";
import type { Page } from "./types.ts";

export function encodeCursor(key: readonly (string | number | null)[]): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

/** @throws CURSOR_INVALID unless the cursor came from `encodeCursor` with a key of this shape. */
export function decodeCursor<T extends z.ZodType>(cursor: string, shape: T): z.output<T> {
  try {
    return shape.parse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")));
  } catch (cause) {
    throw new AppError("CURSOR_INVALID", `"${cursor.slice(0, 80)}" is not a cursor of this list`, { cause });
  }
}

/** Cuts the one row read beyond the limit and turns it into a cursor. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => readonly (string | number | null)[],
  toItem: (row: Row) => Item,
): Page<Item> {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  return {
    items: kept.map(toItem),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null,
  };
}
