// The store's cursors, sealed: a place in a listing as a text that only this service can have written.
//
// The seal is keyed with the digest of the caller's API key and covers the listing with its filters: a cursor that was
// altered, or carried to another listing, sort order or key, is refused.
import { createHmac, timingSafeEqual } from "node:crypto";
import { AppError } from "../platform/errors.ts";
import type { Caller } from "./api.ts";
import type { Page } from "./schemas.ts";

type Sealer = Pick<Caller, "keyDigest">;

export function sealPage<Item>({ items, nextCursor }: Page<Item>, listing: string, caller: Sealer): Page<Item> {
  if (nextCursor === null) return { items, nextCursor };
  return { items, nextCursor: `${nextCursor}.${seal(nextCursor, listing, caller).toString("base64url")}` };
}

/** The store's part of a query; throws CURSOR_INVALID unless the cursor was sealed for this listing and this key. */
export function openCursor(cursor: string | undefined, listing: string, caller: Sealer): { cursor?: string } {
  if (cursor === undefined) return {};
  const dot = cursor.lastIndexOf(".");
  const place = cursor.slice(0, Math.max(0, dot));
  const given = Buffer.from(cursor.slice(dot + 1), "base64url");
  const expected = seal(place, listing, caller);
  if (given.length === expected.length && timingSafeEqual(given, expected)) return { cursor: place };
  throw new AppError("CURSOR_INVALID", "the cursor was not given out for this listing, its filters and this API key");
}

function seal(place: string, listing: string, { keyDigest }: Sealer): Buffer {
  return createHmac("sha256", keyDigest).update(`cursor\n${listing}\n${place}`).digest().subarray(0, 16);
}
