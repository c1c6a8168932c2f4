// One contract, both backends.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { silentLog } from "../../../services/platform/log.ts";
import { openQueues, type QueueOptions, type Queues } from "../../../services/platform/queue.ts";
import { openTestDatabase, type TestDatabase } from "../../integration/postgres.ts";
import { runProgram } from "../../integration/program.ts";
import { startRedis, type TestRedis } from "../../integration/redis.ts";
import { until } from "../../integration/until.ts";
import { describeWith } from "../../require.ts";

const search = "0123456789ab";
const other = "0123456789ac";

describe("on Postgres", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await openTestDatabase({ migrated: false });
  });
  afterAll(() => database.close());

  const { openHere: open } = describeContract(() => ({ databaseUrl: database.url }));

  test("two processes that start at once make the tables once", async () => {
    const prefix = randomPrefix();
    const both = await Promise.all([open({ prefix }), open({ prefix })]);
    for (const queues of both) expect(await queues.enqueue("advance", search)).toBe(true);
    expect((await both[0].counts()).advance.waiting).toBe(1);
  });

  test("a lost connection heals, and the handler is called again", async () => {
    const queues = await open();
    const seen: string[] = [];
    queues.work("advance", async (id) => void seen.push(id), { concurrency: 1 });
    await queues.enqueue("advance", search);
    await until(() => seen.length === 1);
    await database.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    await until(async () => (await queues.enqueue("advance", other)) && seen.includes(other));
  });
});

describeWith("redis", "on Redis", () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.close());

  const { openHere: open } = describeContract(() => ({ databaseUrl: "postgresql://unused", redisUrl: redis.url }));

  test("while Redis is down ringing fails quickly and says so; afterwards everything works again", async () => {
    const lines: string[] = [];
    const queues = await open({ log: pino({ level: "warn" }, { write: (line) => void lines.push(line) }) });
    const seen: string[] = [];
    queues.work("advance", async (id) => void seen.push(id), { concurrency: 1 });
    await queues.enqueue("advance", search);
    await until(() => seen.length === 1);

    await redis.kill();
    const before = performance.now();
    expect(await queues.enqueue("advance", other)).toBe(false);
    await expect(queues.ping()).rejects.toMatchObject({ code: "QUEUE_UNAVAILABLE", status: 503 });
    expect(performance.now() - before).toBeLessThan(15_000);
    expect(lines.some((line) => line.includes("queue unavailable"))).toBe(true);

    await redis.start();
    await until(async () => (await queues.enqueue("advance", other)) && seen.includes(other));
    await queues.ping();
  });

  test("after FLUSHALL the next ring is heard", async () => {
    const queues = await open();
    await queues.enqueue("advance", search);
    await redis.command("FLUSHALL");
    const seen: string[] = [];
    queues.work("advance", async (id) => void seen.push(id), { concurrency: 1 });
    await queues.enqueue("advance", search);
    await until(() => seen.length === 1);
  });
});

type Places = Pick<QueueOptions, "databaseUrl" | "redisUrl">;

/** Adds the tests, and gives what opens queues that are closed after each test. */
function describeContract(places: () => Places) {
  const open = (options: Partial<QueueOptions> = {}) => {
    return openQueues({ ...places(), prefix: randomPrefix(), lockSeconds: 30, log: silentLog, ...options });
  };
  const opened: Queues[] = [];
  async function openHere(options?: Partial<QueueOptions>): Promise<Queues> {
    const queues = await open(options);
    opened.push(queues);
    return queues;
  }
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((queues) => queues.close()));
  });

  test("an entry reaches a worker with its id, in the order of ringing", async () => {
    const queues = await openHere();
    const ids = ["3", "1", "2"].map((n) => `${search}-${n}-0`);
    await queues.enqueue("evaluate", ids);
    const seen: string[] = [];
    queues.work("evaluate", async (id) => void seen.push(id), { concurrency: 1 });
    await until(() => seen.length === 3);
    expect(seen).toEqual(ids);
  });

  test("a smaller priority goes first, and none before all", async () => {
    const queues = await openHere();
    const [late, soon, first] = [5, 1, 0].map((priority) => ({ id: `${search}-${priority}-0`, priority }));
    for (const { id, priority } of [late!, soon!, first!]) await queues.enqueue("evaluate", id, { priority });
    const seen: string[] = [];
    queues.work("evaluate", async (id) => void seen.push(id), { concurrency: 1 });
    await until(() => seen.length === 3);
    expect(seen).toEqual([first!.id, soon!.id, late!.id]);
  });

  test("ringing for what waits already adds nothing", async () => {
    const queues = await openHere();
    await queues.enqueue("advance", search);
    await queues.enqueue("advance", [search, other, search]);
    expect((await queues.counts()).advance).toEqual({ waiting: 2, active: 0 });
  });

  test("ringing any number of times for what is being worked on brings it back exactly once", async () => {
    const queues = await openHere();
    let calls = 0;
    queues.work(
      "advance",
      async () => {
        calls++;
        if (calls > 1) return;
        for (let i = 0; i < 3; i++) await queues.enqueue("advance", search);
      },
      { concurrency: 4 },
    );
    await queues.enqueue("advance", search);
    await until(async () => calls === 2 && (await queues.counts()).advance.waiting === 0);
    await sleep(200);
    expect(calls).toBe(2);
  });

  test("one id is never worked on twice at once, whatever the concurrency", async () => {
    const queues = await openHere();
    let [running, most, calls] = [0, 0, 0];
    queues.work(
      "advance",
      async () => {
        most = Math.max(most, ++running);
        await sleep(50);
        running--;
        calls++;
      },
      { concurrency: 4 },
    );
    for (let i = 0; i < 5; i++) {
      await queues.enqueue("advance", search);
      await sleep(20);
    }
    await until(() => calls >= 2 && running === 0);
    expect(most).toBe(1);
  });

  test("as many handlers run at once as the concurrency says, and no more", async () => {
    const queues = await openHere();
    let [running, most, calls] = [0, 0, 0];
    await queues.enqueue(
      "evaluate",
      Array.from({ length: 9 }, (_, n) => `${search}-${n}-0`),
    );
    queues.work(
      "evaluate",
      async () => {
        most = Math.max(most, ++running);
        await sleep(60);
        running--;
        calls++;
      },
      { concurrency: 3 },
    );
    await until(() => calls === 9);
    expect(most).toBe(3);
  });

  test("a handler that rejects is logged, and the next entry is worked on", async () => {
    const lines: string[] = [];
    const queues = await openHere({ log: pino({}, { write: (line) => void lines.push(line) }) });
    const seen: string[] = [];
    queues.work(
      "advance",
      async (id) => {
        seen.push(id);
        if (id === search) throw new Error("planted");
      },
      { concurrency: 1 },
    );
    await queues.enqueue("advance", [search, other]);
    await until(() => seen.length === 2 && lines.length > 0);
    expect(JSON.parse(lines[0]!)).toMatchObject({ msg: "queue entry failed", id: search, err: { message: "planted" } });
    await queues.enqueue("advance", search);
    await until(() => seen.length === 3);
  });

  test("an id of the wrong kind is refused at the bell", async () => {
    const queues = await openHere();
    await expect(queues.enqueue("evaluate", search)).rejects.toThrow("the id of an evaluation");
    await expect(queues.enqueue("advance", "../etc")).rejects.toThrow("the id of a search");
  });

  test("queues of other prefixes hear nothing", async () => {
    const [mine, theirs] = [await openHere(), await openHere()];
    await mine.enqueue("advance", search);
    expect((await theirs.counts()).advance.waiting).toBe(0);
  });

  test("clear forgets every entry, and the same id can be rung for again", async () => {
    const queues = await openHere();
    await queues.enqueue("advance", search);
    await queues.enqueue("evaluate", `${search}-0-0`);
    await queues.clear();
    expect(await queues.counts()).toMatchObject({ advance: { waiting: 0 }, evaluate: { waiting: 0 } });
    await queues.enqueue("advance", search);
    expect((await queues.counts()).advance.waiting).toBe(1);
  });

  test("closing a worker waits for its handler and takes nothing new", async () => {
    const queues = await openHere();
    const finished: string[] = [];
    const worker = queues.work(
      "advance",
      async (id) => {
        await sleep(150);
        finished.push(id);
      },
      { concurrency: 1 },
    );
    await queues.enqueue("advance", [search, other]);
    await until(async () => (await queues.counts()).advance.active === 1);
    await worker.close();
    expect(finished).toEqual([search]);
    expect((await queues.counts()).advance).toEqual({ waiting: 1, active: 0 });
  });

  test("an entry whose process was killed is given to another", async () => {
    const options = { prefix: randomPrefix(), lockSeconds: 2 };
    const queues = await openHere(options);
    const killed = runProgram("hold-queue-entry", [JSON.stringify({ ...places(), ...options })]);
    await queues.enqueue("advance", search);
    await killed.says(`taken ${search}`);
    killed.kill();

    const seen: string[] = [];
    queues.work("advance", async (id) => void seen.push(id), { concurrency: 1 });
    await until(() => seen.length === 1);
  });

  test("a ping is answered", async () => {
    await (await openHere()).ping();
  });

  return { openHere };
}

function randomPrefix(): string {
  return `t${randomBytes(5).toString("hex")}`;
}
