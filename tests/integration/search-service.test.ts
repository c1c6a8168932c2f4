// How `starling serve` begins and ends: what it refuses, what it leaves behind, how it stops in mid-search.
import { readFileSync, statSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { openTestDatabase, type TestDatabase, temporaryHome } from "./postgres.ts";
import { accountFor, descendantsOf, isRunning, runStarling, startStarling, tiny } from "./service-processes.ts";
import { until } from "./until.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let database: TestDatabase;
const { home, remove } = temporaryHome();

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(async () => {
  await database?.close();
  remove();
});

describe("it ends with 1 and one clear sentence where", () => {
  test("its port is taken, and nothing of it is left running", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const starling = runStarling(["serve"], {
      ...{ STARLING_HOME: home, DATABASE_URL: database.url, PORT: String(port), LOG_LEVEL: "warn" },
    });
    expect(await starling.ended).toBe(1);
    expect(starling.errors().trim()).toBe(
      `Port ${port} of 127.0.0.1 is taken: set PORT to another, or to 0 for any free one.`,
    );
    expect(starling.output()).toBe("");
  });

  test("a variable of the environment is wrong: every wrong one has its line", async () => {
    const starling = runStarling(["serve"], { STARLING_HOME: home, PORT: "http", STARLING_WORKERS: "-1" });
    expect(await starling.ended).toBe(1);
    const [title, ...lines] = starling.errors().trim().split("\n");
    expect(title).toBe("the environment is not valid:");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/PORT="http": expected/);
    expect(lines[1]).toMatch(/STARLING_WORKERS="-1": expected/);
  });

  test("its engine does not exist: the engines that do are named", async () => {
    const starling = runStarling(["serve"], {
      ...{ STARLING_HOME: home, DATABASE_URL: database.url, STARLING_ENGINE: "abacus", LOG_LEVEL: "warn" },
    });
    expect(await starling.ended).toBe(1);
    expect(starling.errors()).toMatch(/abacus/);
    expect(starling.errors()).toMatch(/onnxruntime/);
    expect(starling.errors()).not.toMatch(/\n\s+at /);
  });
});

describe("SIGTERM in mid-search", () => {
  test("lets what runs finish, ends with 0, and a new start takes up the rest without a lost attempt", async () => {
    const first = await startStarling(home, { DATABASE_URL: database.url, STARLING_DRAIN_SECONDS: "30" });
    const { id } = await first.submit({ ...tiny, seed: 41 });
    await first.inTheMiddle(id, 1);
    const family = descendantsOf(first.pid);
    const before = (await first.search(id)).evaluations.complete;
    first.kill("SIGTERM");
    expect(await first.ended).toBe(0);
    expect(family.filter(isRunning)).toEqual([]);

    const second = await startStarling(home, { DATABASE_URL: database.url });
    expect((await second.search(id)).evaluations.complete).toBeGreaterThan(before);
    expect(await second.searchEnded(id)).toMatchObject({ state: "completed" });
    expect(accountFor(await second.candidates(id))).toMatchObject({ paidTwice: [], attempts: 7 });
    second.kill("SIGTERM");
    expect(await second.ended).toBe(0);
  });

  test("gives back what takes longer than the drain time, as if it had never been taken", async () => {
    const starling = await startStarling(home, { DATABASE_URL: database.url, STARLING_DRAIN_SECONDS: "1" });
    const { id } = await starling.submit({ ...tiny, seed: 42, profile: "fast" });
    await until(async () => (await starling.search(id)).evaluations.running === 1);
    const family = descendantsOf(starling.pid);
    starling.kill("SIGTERM");
    expect(await starling.ended).toBe(0);
    expect(family.filter(isRunning)).toEqual([]);
    expect(starling.errors()).toContain('"msg":"worker stopped"');
    expect(starling.errors()).not.toContain("did not end");
    const rows = await database.query<{ state: string; attempt: number; worker_id: string | null }>(
      "SELECT DISTINCT state::text AS state, attempt, worker_id FROM evaluations WHERE search_id = $1",
      [id],
    );
    expect(rows).toEqual([{ state: "waiting", attempt: 0, worker_id: null }]);
    await database.query("DELETE FROM searches WHERE id = $1", [id]);
  });
});

test("address and key lie in the data folder for its owner only, and a second start keeps the key", async () => {
  const file = `${home}/client.json`;
  const before = JSON.parse(readFileSync(file, "utf8")) as { apiKey: string };
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const starling = await startStarling(home, { DATABASE_URL: database.url, STARLING_WORKERS: "0" });
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ url: starling.url, apiKey: before.apiKey });
  expect(starling.output()).not.toContain("API key");
  expect(descendantsOf(starling.pid)).toEqual([]);
  starling.kill("SIGINT");
  expect(await starling.ended).toBe(0);
});
