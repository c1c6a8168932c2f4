import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AppError } from "../../../services/platform/errors.ts";
import { silentLog } from "../../../services/platform/log.ts";
import { openQueues, type Queues } from "../../../services/platform/queue.ts";
import { reconcile, ringSearch, startReconciler } from "../../../services/platform/reconcile.ts";
import { startRedis, type TestRedis } from "../../integration/redis.ts";
import {
  expireLease,
  finishAll,
  lease,
  openTestStore,
  plantSearch,
  proposal,
  propose,
  type TestStore,
} from "../../integration/store.ts";
import { startToyWorker } from "../../integration/toy-worker.ts";
import { until } from "../../integration/until.ts";
import { describeWith } from "../../require.ts";

let opened: TestStore;
beforeAll(async () => {
  opened = await openTestStore();
});
afterAll(() => opened.close());

/** Remembers what was rung. */
function bell() {
  const rung: [string, readonly string[]][] = [];
  const enqueue: Queues["enqueue"] = async (name, ids) => {
    for (const id of [ids].flat()) rung.push([name, [id]]);
    return true;
  };
  return { rung, enqueue };
}

describe("one round", () => {
  beforeEach(async () => {
    await opened.database.query("DELETE FROM searches");
  });

  test("rings for queued searches, and for evaluations that wait in running ones", async () => {
    const queued = await plantSearch(opened.store);
    const running = await plantSearch(opened.store);
    const { waiting } = await propose(opened.store, running.id, [proposal("a")]);
    const paused = await plantSearch(opened.store);
    await propose(opened.store, paused.id, [proposal("b")]);
    await opened.store.changeSearchState(paused.id, "paused");
    const { rung, enqueue } = bell();
    expect(await reconcile(opened.store, { enqueue })).toEqual({
      ...{ overdue: [], returned: [], failed: [], advance: [queued.id], evaluate: waiting },
    });
    expect(rung).toEqual([["advance", [queued.id]], ...waiting.map((id): [string, string[]] => ["evaluate", [id]])]);
  });

  test("rings for searches with results to tell, with nothing unfinished, or on their way to stop", async () => {
    const idle = await plantSearch(opened.store);
    await opened.store.changeSearchState(idle.id, "running");
    const results = await plantSearch(opened.store);
    const { waiting } = await propose(opened.store, results.id, [proposal("c"), proposal("d")]);
    await finishAll(opened.store, waiting.slice(0, 2));
    const stopping = await plantSearch(opened.store);
    await opened.store.changeSearchState(stopping.id, "stopping");
    const busy = await plantSearch(opened.store);
    await propose(opened.store, busy.id, [proposal("e")]);
    const ended = await plantSearch(opened.store);
    await opened.store.changeSearchState(ended.id, "cancelled");
    const deleted = await plantSearch(opened.store);
    await opened.store.deleteSearch(deleted.id);
    const { advance } = await reconcile(opened.store, bell());
    expect([...advance].sort()).toEqual([idle.id, results.id, stopping.id].sort());
  });

  test("takes back leases that ran out and rings for them", async () => {
    const { id } = await plantSearch(opened.store);
    const { waiting } = await propose(opened.store, id, [proposal("f")]);
    await lease(opened.store, waiting[0]!);
    await expireLease(opened.database, waiting[0]!);
    expect(await reconcile(opened.store, bell())).toMatchObject({ returned: [waiting[0]], evaluate: waiting });
  });

  test("stops a search whose wall-clock budget is used up, with the reason, and only that one", async () => {
    const spent = await plantSearch(opened.store, { budget: { wallSeconds: 60 } });
    const fresh = await plantSearch(opened.store, { budget: { wallSeconds: 60 } });
    const boundless = await plantSearch(opened.store);
    for (const { id } of [spent, fresh, boundless]) await opened.store.changeSearchState(id, "running");
    await opened.database.query(
      "UPDATE searches SET active_since = active_since - interval '61 s' WHERE id = ANY($1)",
      [[spent.id, boundless.id]],
    );
    expect(await reconcile(opened.store, bell())).toMatchObject({ overdue: [spent.id] });
    expect(await opened.store.loadSearch(spent.id)).toMatchObject({
      state: "stopping",
      reason: "the wall-clock budget is used up",
    });
    for (const { id } of [fresh, boundless]) {
      expect(await opened.store.loadSearch(id)).toMatchObject({ state: "running" });
    }
  });

  test("by many processes at once does no more than one would", async () => {
    const spent = await plantSearch(opened.store, { budget: { wallSeconds: 60 } });
    await opened.store.changeSearchState(spent.id, "running");
    await opened.database.query("UPDATE searches SET active_since = active_since - interval '61 s'");
    await Promise.all(Array.from({ length: 6 }, () => reconcile(opened.store, bell())));
    const events = await opened.store.listEvents({ after: 0, limit: 100, searchId: spent.id });
    expect(events.filter(({ data }) => data.state === "stopping")).toHaveLength(1);
  });
});

test("ringing for one search rings for its advance and for what of it waits", async () => {
  const { id } = await plantSearch(opened.store);
  const { waiting } = await propose(opened.store, id, [proposal("g")]);
  const { rung, enqueue } = bell();
  await ringSearch(opened.store, { enqueue }, id);
  expect(rung).toEqual([["advance", [id]], ...waiting.map((one): [string, string[]] => ["evaluate", [one]])]);
});

test("a round that fails is logged, and the next one comes all the same", async () => {
  const lines: string[] = [];
  const log = pino({}, { write: (line) => void lines.push(line) });
  let rounds = 0;
  const store = {
    ...opened.store,
    listOverdueSearches: async () => {
      if (++rounds === 1) throw new Error("planted");
      return [];
    },
  };
  const reconciler = startReconciler(store, bell(), { intervalSeconds: 0.02, leaseSeconds: 30, log });
  await until(() => rounds > 2);
  await reconciler.stop();
  expect(JSON.parse(lines[0]!)).toMatchObject({ msg: "reconcile failed", err: { message: "planted" } });
  const stopped = rounds;
  await sleep(100);
  expect(rounds).toBe(stopped);
});

test("after the database was away no lease is taken back before a lease's time has passed", async () => {
  const leaseSeconds = 0.6;
  let isAway = false;
  let backAt = 0;
  const sweeps: number[] = [];
  const store = {
    ...opened.store,
    listOverdueSearches: async () => {
      if (isAway) throw new AppError("DATABASE_UNAVAILABLE", "planted");
      backAt ||= performance.now();
      return [];
    },
    sweepExpiredLeases: async () => {
      sweeps.push(performance.now());
      return { waiting: [], failed: [], searchIds: [] };
    },
  };
  const reconciler = startReconciler(store, bell(), { intervalSeconds: 0.02, leaseSeconds, log: silentLog });
  await until(() => sweeps.length > 1);
  isAway = true;
  await sleep(100);
  const before = sweeps.length;
  backAt = 0;
  isAway = false;
  await until(() => sweeps.length > before);
  await reconciler.stop();
  expect((sweeps[before] as number) - backAt).toBeGreaterThanOrEqual(1000 * leaseSeconds);
});

describe("a search on Postgres", () => {
  describeRun(() => ({}));
});

describeWith("redis", "a search on Redis", () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.close());
  const { run } = describeRun(() => ({ redisUrl: redis.url }));

  test("ends though Redis forgets everything again and again", async () => {
    await run(() => redis.command("FLUSHALL"));
  });

  test("ends though Redis is killed and started again in the middle", async () => {
    let rounds = 0;
    await run(async () => {
      if (++rounds !== 2) return;
      await redis.kill();
      await sleep(300);
      await redis.start();
    });
  });
});

/** Whole searches of toy workers, with something done to them on the way. */
function describeRun(places: () => { redisUrl?: string }) {
  const opening: Queues[] = [];
  afterEach(async () => {
    await Promise.all(opening.splice(0).map((queues) => queues.close()));
  });

  async function run(disturb: (queues: Queues) => Promise<unknown>): Promise<void> {
    const prefix = `t${randomBytes(5).toString("hex")}`;
    const queues = await openQueues({
      ...{ databaseUrl: opened.database.url, ...places(), prefix, lockSeconds: 3, log: silentLog },
    });
    opening.push(queues);
    await opened.database.query("DELETE FROM searches");
    const budget = 20;
    const { id } = await plantSearch(opened.store, { budget: { candidates: budget } });
    const workers = ["one", "two"].map((name) => startToyWorker(opened.store, queues, { name }));
    const reconciler = startReconciler(opened.store, queues, { intervalSeconds: 0.2, leaseSeconds: 3, log: silentLog });
    let told = 0;
    await until(async () => {
      const search = (await opened.store.loadSearch(id))!;
      if (search.told > told) await disturb(queues);
      told = search.told;
      return search.state === "completed";
    }, 60_000);
    await reconciler.stop();
    await Promise.all(workers.map((worker) => worker.close()));
    expect(await opened.store.loadSearch(id)).toMatchObject({ proposed: budget, told: budget });
    const finished = workers.flatMap((worker) => worker.finished);
    expect(finished).toHaveLength(2 * budget);
    expect(new Set(finished).size).toBe(2 * budget);
  }

  test("runs to its end, every evaluation finished once", () => run(async () => undefined));

  test("ends though every entry is lost again and again", () => run((queues) => queues.clear()));

  return { run };
}
