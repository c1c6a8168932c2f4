import { expect, test } from "vitest";
import { openCursor, sealPage } from "../../../services/api/cursor.ts";

const caller = { keyDigest: "digest-of-a-key" };
const cursor = sealPage({ items: [], nextCursor: "WzEyLCJhIl0" }, "searches running", caller).nextCursor ?? "";

test("a sealed cursor opens to what the store gave", () => {
  expect(openCursor(cursor, "searches running", caller)).toEqual({ cursor: "WzEyLCJhIl0" });
});

test("no cursor opens to the first page, and the last page has none", () => {
  expect(openCursor(undefined, "searches running", caller)).toEqual({});
  expect(sealPage({ items: [1], nextCursor: null }, "x", caller)).toEqual({ items: [1], nextCursor: null });
});

test("a cursor of another listing, filter or key is refused", () => {
  expect(() => openCursor(cursor, "searches paused", caller)).toThrow(/not given out/);
  expect(() => openCursor(cursor, "candidates", caller)).toThrow(/not given out/);
  expect(() => openCursor(cursor, "searches running", { keyDigest: "another" })).toThrow(/not given out/);
});

test("changing any character makes a cursor worthless", () => {
  for (let i = 0; i < cursor.length; i++) {
    const altered = `${cursor.slice(0, i)}${cursor[i] === "A" ? "B" : "A"}${cursor.slice(i + 1)}`;
    expect(() => openCursor(altered, "searches running", caller), altered).toThrow(/not given out/);
  }
});

test.each(["", ".", "..", "a", "a.", ".a", "W10.W10", "%", "\0", "é.é", "x".repeat(5000)])(
  "%j is no cursor",
  (forged) => {
    expect(() => openCursor(forged, "searches running", caller)).toThrow(/not given out/);
  },
);
