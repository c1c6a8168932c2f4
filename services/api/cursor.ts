// A place in a listing, as an opaque text that only this service can have written.
//
// The place is a keyset (the sort values of the last item), so a page costs the same at the start and at the end.
// The mark is keyed with the digest of the caller's API key and covers the listing with its filters: a cursor that was
// altered, or carried to another listing, sort order or key, is refused.
import { createHmac, timingSafeEqual } from "node:crypto";

export type Keyset = readonly (string | number | null)[];

export function writeCursor(keyset: Keyset, listing: string, keyDigest: string): string {
  const place = Buffer.from(JSON.stringify(keyset)).toString("base64url");
  return `${place}.${mark(place, listing, keyDigest).toString("base64url")}`;
}

/** The keyset, or null where the cursor was not written for this listing and this key. */
export function readCursor(cursor: string, listing: string, keyDigest: string): Keyset | null {
  const [place, seal, ...rest] = cursor.split(".");
  if (!place || !seal || rest.length > 0) return null;
  const expected = mark(place, listing, keyDigest);
  const given = Buffer.from(seal, "base64url");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  return JSON.parse(Buffer.from(place, "base64url").toString()) as Keyset;
}

function mark(place: string, listing: string, keyDigest: string): Buffer {
  return createHmac("sha256", keyDigest).update(`cursor\n${listing}\n${place}`).digest().subarray(0, 16);
}
