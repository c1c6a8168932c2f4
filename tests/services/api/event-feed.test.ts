import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventFeed, type EventSink, type EventSource } from "../../../services/api/event-feed.ts";
import type { SearchEvent } from "../../../services/api/schemas.ts";

/** A table of events in memory whose reads take as long as the schedule says. */
class Table implements EventSource {
  readonly events: SearchEvent[] = [];
  readonly #wakes = new Set<() => void>();
  reads = 0;
  failing = 0;
  pause: () => Promise<void> = async () => undefined;

  add(searchId = "a"): void {
    const id = this.events.length + 1;
    this.events.push({ id, type: "search.changed", searchId, data: {}, at: "2026-01-01T00:00:00.000Z" });
    for (const wake of this.#wakes) wake();
  }

  async lastEventId(): Promise<number> {
    await this.pause();
    return this.events.length;
  }

  async listEvents({ after, limit, searchId }: { after: number; limit: number; searchId?: string }) {
    this.reads += 1;
    const seen = this.events.filter((event) => event.id > after && (searchId ?? event.searchId) === event.searchId);
    await this.pause();
    if (this.failing-- > 0) throw new Error("no database");
    return seen.slice(0, limit);
  }

  subscribe(onWake: () => void): () => void {
    this.#wakes.add(onWake);
    return () => this.#wakes.delete(onWake);
  }
}

function sink(searchId: string | null = null) {
  const got: number[] = [];
  const state = { closed: false, behind: false, patience: true };
  const one: EventSink = {
    searchId,
    send: (event) => void got.push(event.id),
    isBehind: () => state.behind,
    drained: async () => state.patience,
    close: () => {
      state.closed = true;
    },
  };
  return { one, got, state };
}

const settle = () => sleep(15);
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

async function begin(feed: EventFeed, one: EventSink, after: number | null) {
  const place = await feed.join(one, after);
  place.begin();
  return place;
}

describe("every follower gets every event of its search once and in order", () => {
  test("whenever it joins, however long reads take, and whatever is added meanwhile", async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("add" as const), search: fc.constantFrom("a", "b") }),
      fc.record({ do: fc.constant("join" as const), search: fc.constantFrom("a", "b", null), back: fc.nat(5) }),
      fc.record({ do: fc.constant("wait" as const), turns: fc.nat(6) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.infiniteStream(fc.nat(4)), async (steps, delays) => {
        const table = new Table();
        table.pause = async () => {
          for (let turns = delays.next().value ?? 0; turns > 0; turns--) await Promise.resolve();
        };
        const feed = new EventFeed(table, (error) => expect.fail(String(error)));
        const followers: { got: number[]; from: number; search: string | null }[] = [];
        for (const one of steps) {
          if (one.do === "add") table.add(one.search);
          else if (one.do === "wait") for (let turn = 0; turn < one.turns; turn++) await Promise.resolve();
          else {
            const { one: target, got } = sink(one.search);
            const after = one.back === 0 ? null : Math.max(0, table.events.length - one.back);
            const { from } = await begin(feed, target, after);
            followers.push({ got, from, search: one.search });
          }
        }
        for (let turn = 0; turn < 2000; turn++) await Promise.resolve();
        for (const { got, from, search } of followers) {
          const due = table.events.filter(({ id, searchId }) => id > from && (search ?? searchId) === searchId);
          expect(got).toEqual(due.map(({ id }) => id));
        }
      }),
      { numRuns: 300 },
    );
  });

  test("when more was missed than one read gives", async () => {
    const table = new Table();
    for (let i = 0; i < 1234; i++) table.add();
    const feed = new EventFeed(table, () => undefined);
    const { one, got } = sink();
    await begin(feed, one, 0);
    table.add();
    await settle();
    expect(got).toEqual(numbers(1, 1235));
  });
});

test("followers who are up to date share one read", async () => {
  const table = new Table();
  const feed = new EventFeed(table, () => undefined);
  const many = Array.from({ length: 50 }, () => sink());
  for (const { one } of many) await begin(feed, one, null);
  await settle();
  const before = table.reads;
  table.add();
  await settle();
  expect(many.map(({ got }) => got)).toEqual(many.map(() => [1]));
  expect(table.reads - before).toBeLessThanOrEqual(2);
});

test("one that is behind is sent no more until it has read, and then all of it", async () => {
  const table = new Table();
  const feed = new EventFeed(table, () => undefined);
  const slow = sink();
  let release = () => {};
  slow.one.drained = () =>
    slow.state.behind ? new Promise((resolve) => (release = () => resolve(true))) : Promise.resolve(true);
  await begin(feed, slow.one, null);
  await settle();
  slow.state.behind = true;
  for (let i = 0; i < 300; i++) {
    table.add();
    await Promise.resolve();
  }
  await settle();
  expect(slow.got.length).toBeLessThan(300);
  slow.state.behind = false;
  release();
  await settle();
  expect(slow.got).toEqual(numbers(1, 300));
});

test("one that does not read in time is closed; the others go on", async () => {
  const table = new Table();
  const feed = new EventFeed(table, () => undefined);
  const [deaf, good] = [sink(), sink()];
  await begin(feed, deaf.one, null);
  await begin(feed, good.one, null);
  await settle();
  deaf.state.behind = true;
  deaf.state.patience = false;
  for (let i = 0; i < 3; i++) table.add();
  await settle();
  expect(deaf.state.closed).toBe(true);
  expect(feed.size).toBe(1);
  expect(good.got).toEqual([1, 2, 3]);
});

test("a read that fails is tried again at the next notice; a follower whose own read fails is closed", async () => {
  const table = new Table();
  const errors: unknown[] = [];
  const feed = new EventFeed(table, (error) => errors.push(error));
  const follower = sink();
  await begin(feed, follower.one, null);
  await settle();
  table.failing = 1;
  table.add();
  await settle();
  expect(errors).toHaveLength(1);
  expect(follower.state.closed).toBe(false);
  table.add();
  await settle();
  expect(follower.got).toEqual([1, 2]);

  table.failing = 1;
  const late = sink();
  await begin(feed, late.one, 0);
  await settle();
  expect(late.state.closed).toBe(true);
  expect(feed.size).toBe(1);
});

test("closing closes every stream", async () => {
  const feed = new EventFeed(new Table(), () => undefined);
  const [a, b] = [sink(), sink()];
  await begin(feed, a.one, null);
  const place = await begin(feed, b.one, null);
  place.leave();
  feed.close();
  expect([a.state.closed, b.state.closed, feed.size]).toEqual([true, false, 0]);
});
