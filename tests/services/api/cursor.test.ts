import { expect, test } from "vitest";
import { readCursor, writeCursor } from "../../../services/api/cursor.ts";

const cursor = writeCursor([12, "abc", null], "searches?state=running", "digest-of-a-key");

test("a cursor gives back the place it was written for", () => {
  expect(readCursor(cursor, "searches?state=running", "digest-of-a-key")).toEqual([12, "abc", null]);
});

test("a cursor of another listing, filter or key is refused", () => {
  expect(readCursor(cursor, "searches?state=paused", "digest-of-a-key")).toBeNull();
  expect(readCursor(cursor, "candidates", "digest-of-a-key")).toBeNull();
  expect(readCursor(cursor, "searches?state=running", "digest-of-another-key")).toBeNull();
});

test("changing any character of a cursor makes it worthless", () => {
  for (let i = 0; i < cursor.length; i++) {
    const altered = `${cursor.slice(0, i)}${cursor[i] === "A" ? "B" : "A"}${cursor.slice(i + 1)}`;
    const read = readCursor(altered, "searches?state=running", "digest-of-a-key");
    // The last character of an unpadded base64 text holds spare bits, which decode to the same mark.
    if (read !== null) expect(i).toBe(cursor.length - 1);
  }
});

test.each(["", ".", "..", "a", "a.", ".a", `${cursor}.x`, "W10.W10", "%", "\0", "é.é", "x".repeat(5000)])(
  "%j is no cursor",
  (forged) => {
    expect(readCursor(forged, "searches?state=running", "digest-of-a-key")).toBeNull();
  },
);
