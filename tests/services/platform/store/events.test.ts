import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentLog } from "../../../../services/platform/log.ts";
import { openStore } from "../../../../services/platform/store/store.ts";
import type { Event, EventNotice } from "../../../../services/platform/store/types.ts";
import { openTestStore, plantSearch, type TestStore } from "../../../integration/store.ts";
import { until } from "../../../integration/until.ts";

let opened: TestStore;
beforeAll(async () => {
  opened = await openTestStore({ connections: 25 });
});
afterAll(() => opened.close());

describe("the list of events", () => {
  test("shows a reader every event exactly once, in order, while 50 writers append", async () => {
    const { store } = opened;
    const before = await store.lastEventId();
    const expected = 50 * 4;
    let writing = true;
    const read: Event[] = [];
    const reader = async () => {
      for (let after = before; read.length < expected; ) {
        const isLast = !writing; // before it asks: what is committed while the answer is under way is for the next page
        const page = await store.listEvents({ after, limit: 7 });
        read.push(...page);
        after = page.at(-1)?.id ?? after;
        if (isLast && page.length === 0) break;
      }
    };
    const reading = reader();
    const writer = async () => {
      const { id } = await plantSearch(store);
      for (const state of ["paused", "running", "completed"] as const) await store.changeSearchState(id, state);
    };
    await Promise.all(Array.from({ length: 50 }, writer));
    writing = false;
    await reading;

    expect(read).toHaveLength(expected);
    expect(read.map(({ id }) => id)).toEqual([...read.map(({ id }) => id)].sort((a, b) => a - b));
    expect(new Set(read.map(({ id }) => id)).size).toBe(expected);
    const times = read.map(({ at }) => Date.parse(at));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    const all = await store.listEvents({ after: before, limit: 1000 });
    expect(read).toEqual(all);
  });

  test("never shows a later number before an earlier one, however long a commit takes", async () => {
    const { store, database } = opened;
    await database.query(`
      CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$`);
    await database.query(`
      CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW WHEN (NEW.data->>'name' = 'slow') EXECUTE FUNCTION dawdle()`);
    const before = await store.lastEventId();
    const slow = plantSearch(store, { name: "slow" });
    await sleep(200);
    await plantSearch(store, { name: "quick" });
    const seen = await store.listEvents({ after: before, limit: 10 });
    expect(seen.map(({ data }) => data.name)).toEqual(["slow", "quick"]);
    await slow;
    await database.query("DROP FUNCTION dawdle CASCADE");
  });

  test("goes on after an id, of one search or of all", async () => {
    const { store } = opened;
    const [one, other] = [await plantSearch(store), await plantSearch(store)];
    await store.changeSearchState(one.id, "paused");
    const mine = await store.listEvents({ after: 0, limit: 10, searchId: one.id });
    expect(mine.map(({ type }) => type)).toEqual(["search.created", "search.changed"]);
    expect(await store.listEvents({ after: mine[0]!.id, limit: 10, searchId: one.id })).toEqual([mine[1]]);
    const all = await store.listEvents({ after: mine[0]!.id - 1, limit: 3 });
    expect(all.map(({ searchId }) => searchId)).toEqual([one.id, other.id, one.id]);
    expect(await store.lastEventId()).toBe(mine[1]!.id);
  });
});

describe("a subscriber", () => {
  test("is told of what any process appends, and of nothing after it has left", async () => {
    const elsewhere = openStore({ databaseUrl: opened.database.url, log: silentLog, connections: 2 });
    const notices: EventNotice[] = [];
    const leave = opened.store.subscribe((notice) => notices.push(notice));
    await until(() => notices.length > 0);
    expect(notices).toEqual([null]);

    const { id } = await plantSearch(elsewhere);
    await until(() => notices.length > 1);
    expect(notices[1]).toEqual({ id: await opened.store.lastEventId(), type: "search.created", searchId: id });
    leave();
    await plantSearch(elsewhere);
    const last: EventNotice[] = [];
    const leaveToo = opened.store.subscribe((notice) => last.push(notice));
    await until(() => last.length > 0);
    expect(notices).toHaveLength(2);
    leaveToo();
    await elsewhere.close();
  });

  test("is called with null when its connection was lost and is back, and hears what follows", async () => {
    const notices: EventNotice[] = [];
    const leave = opened.store.subscribe((notice) => notices.push(notice));
    await until(() => notices.length === 1);
    await opened.database.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    );
    await until(() => notices.length === 2);
    expect(notices[1]).toBeNull();
    const { id } = await plantSearch(opened.store);
    await until(() => notices.some((notice) => notice?.searchId === id));
    leave();
  });
});
