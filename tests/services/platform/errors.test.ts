import { describe, expect, test } from "vitest";
import { AppError, hasCode } from "../../../services/platform/errors.ts";
import { explain } from "../../../services/platform/store/database.ts";

describe("an error", () => {
  test("has its status and title from the table, its message from the place, and its cause", () => {
    const cause = new Error("deeper");
    const error = new AppError("SEARCH_NOT_FOUND", "no search abc", { cause });
    expect(error).toMatchObject({ code: "SEARCH_NOT_FOUND", status: 404, title: "Search not found", cause });
    expect(error.message).toBe("no search abc");
    expect(hasCode(error, "SEARCH_NOT_FOUND")).toBe(true);
    expect(hasCode(error, "SEARCH_FINISHED")).toBe(false);
    expect(hasCode(cause, "SEARCH_NOT_FOUND")).toBe(false);
  });

  test("of a lost connection is explained as the database's, and no other is", () => {
    for (const lost of [
      Object.assign(new Error("x"), { code: "P1001" }),
      Object.assign(new Error("x"), { meta: { driverAdapterError: { cause: { originalCode: "57P01" } } } }),
      new Error("connect ECONNREFUSED 127.0.0.1:5432"),
      new Error("Connection terminated unexpectedly"),
    ]) {
      expect(explain(lost)).toMatchObject({ code: "DATABASE_UNAVAILABLE", status: 503, cause: lost });
    }
    const other = new Error("violates check constraint");
    expect(explain(other)).toBe(other);
    const ours = new AppError("CURSOR_INVALID", "ECONNREFUSED is not a cursor");
    expect(explain(ours)).toBe(ours);
  });
});
