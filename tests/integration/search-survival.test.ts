// One search, run undisturbed and disturbed: whatever is killed, and however many work on it, it gives the same candidates.
import { afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { openTestDatabase, temporaryHome } from "./postgres.ts";
import { accountFor, descendantsOf, isRunning, type Starling, startStarling, tiny } from "./service-processes.ts";
import { until } from "./until.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let undisturbed: ReturnType<typeof accountFor>;
const running: Starling[] = [];

async function start(home: string, env: Record<string, string> = {}): Promise<Starling> {
  const starling = await startStarling(home, env);
  running.push(starling);
  return starling;
}

async function stopAll(): Promise<void> {
  for (const starling of running.splice(0)) {
    starling.kill("SIGTERM");
    await starling.ended;
  }
}

async function ownDatabase(): Promise<{ home: string; DATABASE_URL: string }> {
  const database = await openTestDatabase();
  const { home, remove } = temporaryHome();
  onTestFinished(async () => {
    await stopAll();
    await database.close();
    remove();
  });
  return { home, DATABASE_URL: database.url };
}

beforeAll(async () => {
  const database = await openTestDatabase();
  const { home, remove } = temporaryHome();
  const starling = await start(home, { DATABASE_URL: database.url, STARLING_WORKERS: "3" });
  const { id } = await starling.submit(tiny);
  expect(await starling.searchEnded(id)).toMatchObject({ state: "completed", reason: null });
  undisturbed = accountFor(await starling.candidates(id));
  await stopAll();
  await database.close();
  remove();
});
afterEach(stopAll);

test("undisturbed, with three at work, it trains every candidate once", () => {
  expect(undisturbed.sequence).toHaveLength(7);
  expect(undisturbed.sequence.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(undisturbed.sequence.slice(4).every(({ parents }) => parents.length > 0)).toBe(true);
  expect(undisturbed).toMatchObject({ paidTwice: [], attempts: 7 });
  for (const { trainSeconds, outcome } of undisturbed.paid) {
    expect(outcome).toBe("scored");
    expect(trainSeconds).toBeGreaterThan(0);
  }
});

test("one at work gives the same candidates with the same scores as three", async () => {
  const { home, DATABASE_URL } = await ownDatabase();
  const starling = await start(home, { DATABASE_URL });
  const { id } = await starling.submit(tiny);
  await starling.searchEnded(id);
  expect(accountFor(await starling.candidates(id)).sequence).toEqual(undisturbed.sequence);
});

describe("kill -9", () => {
  test("of the worker: another is started, nothing finished is lost or trained again", async () => {
    const { home, DATABASE_URL } = await ownDatabase();
    const starling = await start(home, { DATABASE_URL });
    const { id } = await starling.submit(tiny);
    await starling.inTheMiddle(id, 2);
    const { pid } = await starling.worker();
    const engines = descendantsOf(pid);
    expect(engines.length).toBeGreaterThan(0);
    process.kill(pid, "SIGKILL");
    const before = accountFor(await starling.candidates(id));
    await until(() => !engines.some(isRunning));

    expect(await starling.searchEnded(id)).toMatchObject({ state: "completed", reason: null });
    const after = accountFor(await starling.candidates(id));
    expect((await starling.worker()).pid).not.toBe(pid);
    expect(after.evaluations.filter((one) => before.paid.some(({ id }) => id === one.id))).toEqual(before.paid);
    expect(after).toMatchObject({ paidTwice: [], attempts: 8, sequence: undisturbed.sequence });
  });

  test("of the whole service: its processes end, and started again it goes on where it was", async () => {
    const { home, remove } = temporaryHome();
    onTestFinished(async () => {
      await stopAll();
      remove();
    });
    const first = await start(home);
    const { id } = await first.submit(tiny);
    await first.inTheMiddle(id, 2);
    const before = accountFor(await first.candidates(id));
    const worker = await first.worker();
    const family = [worker.pid, ...descendantsOf(worker.pid)];
    first.kill("SIGKILL");
    await until(() => !family.some(isRunning), 30_000);

    const second = await start(home);
    expect(second.errors()).toContain("database adopted");
    expect(second.output()).not.toContain("API key");
    expect(await second.searchEnded(id)).toMatchObject({ state: "completed", reason: null });
    const after = accountFor(await second.candidates(id));
    expect(after.evaluations.filter((one) => before.paid.some(({ id }) => id === one.id))).toEqual(before.paid);
    expect(after).toMatchObject({ paidTwice: [], sequence: undisturbed.sequence });
  });
});
