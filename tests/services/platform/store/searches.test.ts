import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { searchConfig } from "../../../../genome/space.ts";
import { successors } from "../../../../services/platform/store/search-states.ts";
import type { SearchState } from "../../../../services/platform/store/types.ts";
import {
  lease,
  openTestStore,
  plantSearch,
  proposal,
  propose,
  scored,
  type TestStore,
} from "../../../integration/store.ts";

let opened: TestStore;
beforeAll(async () => {
  opened = await openTestStore();
});
afterAll(() => opened.close());

const states = Object.keys(successors) as SearchState[];

/** The shortest way from `queued`, by the words for the states. */
const wayTo: Record<SearchState, SearchState[]> = {
  queued: [],
  running: ["running"],
  paused: ["paused"],
  stopping: ["stopping"],
  completed: ["running", "completed"],
  cancelled: ["cancelled"],
  failed: ["failed"],
};

async function plantInState(state: SearchState): Promise<string> {
  const { id } = await plantSearch(opened.store);
  for (const next of wayTo[state]) await opened.store.changeSearchState(id, next);
  return id;
}

describe("creating a search", () => {
  const config = searchConfig.parse({ name: "a name" });
  const request = (key: string, digest: string, apiKeyId = "alice") => ({
    ...{ config, algorithmState: { seeded: true }, apiKeyId, idempotency: { key, digest } },
  });

  test("stores the config as given, in state queued, with times by the database", async () => {
    const { search, created } = await opened.store.createSearch({ config, algorithmState: {}, apiKeyId: "alice" });
    expect(created).toBe(true);
    expect(search).toMatchObject({ name: "a name", state: "queued", config, proposed: 0, told: 0, startedAt: null });
    expect(await opened.store.loadSearch(search.id)).toEqual(search);
    const [{ now }] = (await opened.database.query<{ now: Date }>("SELECT now()")) as [{ now: Date }];
    expect(Math.abs(now.getTime() - Date.parse(search.createdAt))).toBeLessThan(60_000);
  });

  test("twice with one idempotency key makes one search", async () => {
    const first = await opened.store.createSearch(request("once", "d1"));
    const second = await opened.store.createSearch(request("once", "d1"));
    expect([first.created, second.created]).toEqual([true, false]);
    expect(second.search.id).toBe(first.search.id);
  });

  test("ten times at once with one idempotency key makes one search", async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => opened.store.createSearch(request("rush", "d1"))));
    expect(new Set(all.map(({ search }) => search.id)).size).toBe(1);
    expect(all.filter(({ created }) => created)).toHaveLength(1);
    const events = await opened.store.listEvents({ after: 0, limit: 100, searchId: all[0]!.search.id });
    expect(events.map(({ type }) => type)).toEqual(["search.created"]);
  });

  test("with a used idempotency key and another request is refused", async () => {
    await opened.store.createSearch(request("reused", "d1"));
    await expect(opened.store.createSearch(request("reused", "d2"))).rejects.toMatchObject({
      code: "IDEMPOTENCY_MISMATCH",
      status: 409,
    });
  });

  test("with another person's idempotency key makes another search", async () => {
    const mine = await opened.store.createSearch(request("shared word", "d1", "alice"));
    const theirs = await opened.store.createSearch(request("shared word", "d1", "bob"));
    expect(theirs).toMatchObject({ created: true });
    expect(theirs.search.id).not.toBe(mine.search.id);
  });
});

describe("states", () => {
  for (const from of states) {
    for (const to of states) {
      const allowed = from === to || successors[from].includes(to);
      test(`${from} -> ${to} is ${from === to ? "no change" : allowed ? "allowed" : "refused"}`, async () => {
        const id = await plantInState(from);
        const before = await opened.store.loadSearch(id);
        const change = opened.store.changeSearchState(id, to, "asked");
        if (!allowed) {
          const code = successors[from].length === 0 ? "SEARCH_FINISHED" : "SEARCH_STATE_CONFLICT";
          await expect(change).rejects.toMatchObject({ code, status: 409 });
          expect(await opened.store.loadSearch(id)).toMatchObject({ state: from });
          return;
        }
        const after = await change;
        if (from === to) expect({ ...after, elapsedSeconds: 0 }).toEqual({ ...before, elapsedSeconds: 0 });
        else expect(after).toMatchObject({ state: to, reason: "asked" });
        expect(after!.finishedAt === null).toBe(successors[to].length > 0);
      });
    }
  }

  test("of a search that does not exist change to nothing", async () => {
    expect(await opened.store.changeSearchState("000000000000", "paused")).toBeNull();
  });

  test("every change is an event with where from, where to and why", async () => {
    const id = await plantInState("running");
    await opened.store.changeSearchState(id, "paused", "lunch");
    const events = await opened.store.listEvents({ after: 0, limit: 10, searchId: id });
    expect(events.at(-1)).toMatchObject({
      type: "search.changed",
      data: { from: "running", state: "paused", reason: "lunch" },
    });
  });

  test("the reason of stopping stays when the search completes", async () => {
    const id = await plantInState("running");
    await opened.store.changeSearchState(id, "stopping", "the wall-clock budget is used up");
    expect(await opened.store.changeSearchState(id, "completed")).toMatchObject({
      reason: "the wall-clock budget is used up",
    });
  });

  test("pauses do not count as elapsed", async () => {
    const id = await plantInState("running");
    const age = (seconds: number) =>
      opened.database.query(
        "UPDATE searches SET active_since = active_since - make_interval(secs => $2) WHERE id = $1",
        [id, seconds],
      );
    await age(100);
    await opened.store.changeSearchState(id, "paused");
    const paused = await opened.store.loadSearch(id);
    expect(paused!.elapsedSeconds).toBeGreaterThanOrEqual(100);
    expect(paused!.elapsedSeconds).toBeLessThan(160);
    expect((await opened.store.loadSearch(id))!.elapsedSeconds).toBe(paused!.elapsedSeconds);

    await opened.store.changeSearchState(id, "running");
    await age(50);
    const done = await opened.store.changeSearchState(id, "completed");
    expect(done!.elapsedSeconds).toBeGreaterThanOrEqual(150);
    expect(done!.elapsedSeconds).toBeLessThan(260);
  });
});

describe("what a state does to evaluations", () => {
  /** One evaluation of each candidate runs, the other waits. */
  async function plantHalfway() {
    const { id } = await plantSearch(opened.store);
    const { waiting } = await propose(opened.store, id, [proposal(`${id} a`), proposal(`${id} b`)]);
    const running = [await lease(opened.store, waiting[0]!), await lease(opened.store, waiting[2]!)];
    return { id, waiting, running };
  }

  test("pause: nothing new is leased, what runs may finish", async () => {
    const { id, waiting, running } = await plantHalfway();
    await opened.store.changeSearchState(id, "paused");
    expect(await opened.store.leaseEvaluation(waiting[1]!, "worker-b", 30)).toBeNull();
    expect(await opened.store.listWaitingEvaluations({ limit: 10, searchId: id })).toEqual([]);
    expect(await opened.store.renewLease(running[0]!, 30)).toBe("held");
    expect(await opened.store.finishEvaluation(running[0]!, scored(0.5))).not.toBeNull();

    await opened.store.changeSearchState(id, "running");
    expect(await opened.store.listWaitingEvaluations({ limit: 10, searchId: id })).toEqual([waiting[1], waiting[3]]);
    expect(await opened.store.leaseEvaluation(waiting[1]!, "worker-b", 30)).not.toBeNull();
  });

  test("stop: what waits is cancelled, what runs is finished, its candidate is cancelled for the rest", async () => {
    const { id, waiting, running } = await plantHalfway();
    await opened.store.changeSearchState(id, "stopping");
    expect(await opened.store.leaseEvaluation(waiting[1]!, "worker-b", 30)).toBeNull();
    expect(await opened.store.renewLease(running[0]!, 30)).toBe("held");
    expect(await opened.store.finishEvaluation(running[0]!, scored(0.5))).toEqual({ searchIds: [id], waiting: [] });
    expect(await opened.store.loadCandidate(id, 0)).toMatchObject({ state: "cancelled", score: null });
    expect((await opened.store.searchProgress([id])).get(id)).toMatchObject({
      candidates: { running: 1, cancelled: 1, waiting: 0 },
      evaluations: { complete: 1, running: 1, cancelled: 2, waiting: 0 },
    });
  });

  test("stop: a lease that then runs out does not wait again", async () => {
    const { id, running } = await plantHalfway();
    await opened.store.changeSearchState(id, "stopping");
    expect(await opened.store.releaseLease(running[0]!)).toMatchObject({ waiting: [], failed: [] });
    expect(await opened.store.loadEvaluation(running[0]!.evaluationId)).toMatchObject({ state: "cancelled" });
  });

  for (const state of ["cancelled", "failed"] as const) {
    test(`${state}: the next renewal says so, and no result counts any more`, async () => {
      const { id, running } = await plantHalfway();
      await opened.store.changeSearchState(id, state);
      expect(await opened.store.renewLease(running[0]!, 30)).toBe("cancelled");
      expect(await opened.store.finishEvaluation(running[0]!, scored(0.5))).toBeNull();
      expect((await opened.store.searchProgress([id])).get(id)).toMatchObject({
        candidates: { cancelled: 2, running: 0, waiting: 0 },
        evaluations: { cancelled: 4, running: 0, waiting: 0 },
      });
    });
  }

  test("deleting cancels what runs and hides the search", async () => {
    const { id, running } = await plantHalfway();
    expect(await opened.store.deleteSearch(id)).toBe(true);
    expect(await opened.store.loadSearch(id)).toBeNull();
    expect(await opened.store.loadCandidate(id, 0)).toBeNull();
    expect(await opened.store.renewLease(running[0]!, 30)).toBe("cancelled");
    expect(await opened.store.deleteSearch(id)).toBe(false);
    expect(await opened.store.advanceSearch(id, () => null)).toBeNull();
    const { items } = await opened.store.listSearches({ limit: 100 });
    expect(items.some((search) => search.id === id)).toBe(false);
    const types = (await opened.store.listEvents({ after: 0, limit: 100, searchId: id })).map(({ type }) => type);
    expect(types.slice(-2)).toEqual(["search.changed", "search.deleted"]);
  });
});

describe("listing searches", () => {
  test("pages through all of them, newest first, with none lost or twice while others are added", async () => {
    const planted: string[] = [];
    for (let i = 0; i < 7; i++) planted.push((await plantSearch(opened.store)).id);
    // Equal times, as after a bulk insert: the id decides.
    await opened.database.query("UPDATE searches SET created_at = '2030-01-01' WHERE id = ANY($1)", [
      planted.slice(2, 6),
    ]);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page = await opened.store.listSearches({ limit: 3, cursor });
      seen.push(...page.items.map(({ id }) => id));
      expect(page.items.length).toBeLessThanOrEqual(3);
      cursor = page.nextCursor;
      await plantSearch(opened.store);
    } while (cursor !== null);
    expect(new Set(seen).size).toBe(seen.length);
    for (const id of planted) expect(seen).toContain(id);
    expect(seen.slice(0, 4)).toEqual(planted.slice(2, 6).sort().reverse());
  });

  test("can be narrowed to states", async () => {
    const id = await plantInState("paused");
    const { items } = await opened.store.listSearches({ limit: 100, states: ["paused", "failed"] });
    expect(items.map((search) => search.id)).toContain(id);
    expect(new Set(items.map(({ state }) => state))).toEqual(new Set(["paused", "failed"]));
  });

  test("a cursor of one's own making is refused", async () => {
    for (const cursor of ["", "x", Buffer.from("[1,2]").toString("base64url"), "😀"]) {
      const listing = opened.store.listSearches({ limit: 3, cursor });
      await expect(listing, cursor).rejects.toMatchObject({ code: "CURSOR_INVALID", status: 400 });
    }
  });
});
