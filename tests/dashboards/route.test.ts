import { describe, expect, test } from "vitest";
import { addresses, parseRoute } from "../../dashboards/route.ts";

describe("addresses", () => {
  test("every address leads back to its page", () => {
    const id = "a/b c?%";
    expect(parseRoute(addresses.searches)).toEqual({ page: "searches" });
    expect(parseRoute(addresses.newSearch)).toEqual({ page: "new-search", from: null });
    expect(parseRoute(addresses.copyOf(id))).toEqual({ page: "new-search", from: id });
    expect(parseRoute(addresses.search(id))).toEqual({ page: "search", searchId: id });
    expect(parseRoute(addresses.candidate(id, 17))).toEqual({ page: "candidate", searchId: id, number: 17 });
    expect(parseRoute(addresses.workers)).toEqual({ page: "workers" });
  });

  test("no hash is the list of searches", () => {
    expect(["", "#", "#/"].map((hash) => parseRoute(hash).page)).toEqual(["searches", "searches", "searches"]);
  });

  test.each([
    "#/nowhere",
    "#/workers/1",
    "#/searches/a/candidates",
    "#/searches/a/candidates/x",
    "#/searches/%E0%A4%A",
  ])("%s leads nowhere", (hash) => {
    expect(parseRoute(hash)).toEqual({ page: "not-found" });
  });
});
