// The database or the queue goes away in mid-search and comes back.
import { execFileSync } from "node:child_process";
import { expect, onTestFinished, test, vi } from "vitest";
import { describeWith } from "../require.ts";
import { openTestDatabase, temporaryHome } from "./postgres.ts";
import { startRedis } from "./redis.ts";
import { accountFor, type Starling, startStarling, tiny } from "./service-processes.ts";
import { until } from "./until.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/** Stops it in order whatever the test has come to. */
function stopAtTheEnd(starling: Starling): void {
  onTestFinished(async () => {
    starling.kill("SIGTERM");
    await starling.ended;
  });
}

function databasePid(starling: Starling): number {
  const started = starling.errors().match(/"pid":(\d+),"port":\d+,"folder":"[^"]*","msg":"database (started|adopted)"/);
  return Number(started?.[1]);
}

test("the embedded database is killed: /readyz says 503 until it is back, and the search completes", async () => {
  const { home, remove } = temporaryHome();
  onTestFinished(remove);
  const starling = await startStarling(home);
  stopAtTheEnd(starling);
  expect(await starling.readiness()).toBe(200);
  const { id } = await starling.submit(tiny);
  await starling.inTheMiddle(id, 2);
  const before = accountFor(await starling.candidates(id));

  // Held still first, so that there is a time without a database however fast it would be back.
  const pid = databasePid(starling);
  process.kill(pid, "SIGSTOP");
  for (const child of childrenOf(pid)) process.kill(child, "SIGSTOP");
  await until(async () => (await starling.readiness()) === 503);
  for (const child of [...childrenOf(pid), pid]) process.kill(child, "SIGKILL");
  await until(async () => (await starling.readiness()) === 200);

  expect(await starling.searchEnded(id)).toMatchObject({ state: "completed", candidates: { complete: 7, failed: 0 } });
  const after = accountFor(await starling.candidates(id));
  expect(after.evaluations.filter((one) => before.paid.some((paid) => paid.id === one.id))).toEqual(before.paid);
  expect(after.paidTwice).toEqual([]);
});

function childrenOf(pid: number): number[] {
  const children = execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" });
  return children.trim().split(/\s+/).map(Number);
}

describeWith("redis", "a search with its queues in Redis", () => {
  test("completes; Redis is killed and comes back empty in mid-search", async () => {
    const [redis, database] = [await startRedis(), await openTestDatabase()];
    const { home, remove } = temporaryHome();
    onTestFinished(async () => {
      await redis.close();
      await database.close();
      remove();
    });
    const starling = await startStarling(home, { DATABASE_URL: database.url, REDIS_URL: redis.url });
    stopAtTheEnd(starling);
    const { id } = await starling.submit(tiny);
    await starling.inTheMiddle(id, 1);
    await redis.command("FLUSHALL");
    await redis.kill();
    await until(async () => (await starling.readiness()) === 503);
    await redis.start();
    expect(await starling.searchEnded(id)).toMatchObject({
      state: "completed",
      candidates: { complete: 7, failed: 0 },
    });
    expect(await starling.readiness()).toBe(200);
    expect(accountFor(await starling.candidates(id))).toMatchObject({ paidTwice: [], attempts: 7 });
    expect(String(await redis.command("KEYS", "*"))).toContain("starling");
  });
});
