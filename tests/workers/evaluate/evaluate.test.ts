import pg from "pg";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { SearchConfigInput } from "../../../genome/space.ts";
import type { QueueName } from "../../../services/platform/queue.ts";
import type { LeasedEvaluation } from "../../../services/platform/store/types.ts";
import { EngineProcess } from "../../../workers/engine/process/engine-process.ts";
import type { jobs } from "../../../workers/engine-jobs.ts";
import { type EvaluatorSettings, evaluate } from "../../../workers/evaluate/evaluate.ts";
import {
  expireLease,
  openTestStore,
  plantSearch,
  proposal,
  propose,
  scored,
  type TestStore,
} from "../../integration/store.ts";
import { until } from "../../integration/until.ts";
import type { Behaviour } from "./jobs-for-tests.ts";

vi.setConfig({ testTimeout: 120_000 });

let own: TestStore;
let rung: Record<QueueName, string[]>;
/** What was logged. */
let said: string[];
const children: EngineProcess<typeof jobs>[] = [];

beforeAll(async () => {
  own = await openTestStore();
});
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.stop()));
});
afterAll(() => own?.close());

function newChild(): EngineProcess<typeof jobs> {
  const child = new EngineProcess<typeof jobs>({ jobsModule: new URL("./jobs-for-tests.ts", import.meta.url) });
  children.push(child);
  return child;
}

const usual: EvaluatorSettings = {
  ...{ workerId: "worker-a", engine: "auto", engineSettings: { threads: 1 }, concurrency: 1 },
  ...{ leaseSeconds: 30, renewSeconds: 0.2, dataFolder: "/nowhere" },
};

let planted = 0;

/** A search of one candidate with one evaluation that behaves as asked; its training scores 0.42. */
async function plant(behaviour: Behaviour, config: SearchConfigInput["evaluation"] = { timeoutSeconds: 60 }) {
  const name = `planted ${planted++}`;
  const { id: searchId } = await plantSearch(own.store, { evaluation: config });
  const evaluation = { task: "memorization", setting: { ...behaviour }, resultKey: name, seed: 42, flops: 1 };
  const { waiting } = await propose(own.store, searchId, [
    proposal(name, { genome: "11111-91111", evaluations: [evaluation] }),
  ]);
  const [id] = waiting;
  if (id === undefined) throw new Error("nothing waits");
  return { searchId, id };
}

function run(id: string, { child = newChild(), draining = new AbortController().signal, ...changes }: Running = {}) {
  rung = { advance: [], evaluate: [], export: [] };
  said = [];
  const log = pino({}, { write: (line) => void said.push(line) });
  const queues = {
    enqueue: async (name: QueueName, ids: string | readonly string[]) => {
      rung[name].push(...[ids].flat());
      return true;
    },
  };
  return evaluate(id, child, { ...usual, ...changes }, { store: own.store, queues, log }, draining);
}

interface Running extends Partial<EvaluatorSettings> {
  readonly child?: EngineProcess<typeof jobs>;
  readonly draining?: AbortSignal;
}

const row = async (id: string) => own.store.loadEvaluation(id);
const isTraining = (id: string) => async () => (await row(id))?.state === "running";

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Somebody else's, after the lease was lost. */
async function takeOver(id: string): Promise<LeasedEvaluation> {
  for (;;) {
    await expireLease(own.database, id);
    await own.store.sweepExpiredLeases();
    const lease = await own.store.leaseEvaluation(id, "worker-b", 30);
    if (lease !== null) return lease; // else it was renewed between the first line and the second
  }
}

test("an engine that cannot start fails no evaluation: it is given back with all its attempts", async () => {
  const { id } = await plant({});
  const child = new EngineProcess<typeof jobs>({ jobsModule: new URL("./not-there.ts", import.meta.url) });
  children.push(child);
  await expect(run(id, { child })).rejects.toThrow(/not-there/);
  expect(await own.store.loadEvaluation(id)).toMatchObject({ state: "waiting", attempt: 0 });
  const other = await plant({ end: "no-engine" });
  await expect(run(other.id)).rejects.toThrow("no device");
  expect(await own.store.loadEvaluation(other.id)).toMatchObject({ state: "waiting", attempt: 0 });
});

describe("a training that ends well", () => {
  test("is written with everything it gave, and the search is rung for", async () => {
    const { id, searchId } = await plant({ ms: 50 });
    await run(id);
    expect(await row(id)).toMatchObject({
      ...{ state: "complete", outcome: "scored", score: 0.42, engine: "by hand", trainSeconds: 0.05 },
      ...{ attempt: 1, workerId: "worker-a", reason: null, message: null },
      metrics: { chance: 0.25, steps: 3, perMember: [{ learningRate: 0.5 }] },
      curve: [{ step: 3, trainLoss: 1, testLoss: null, testAccuracy: 0.5 }],
    });
    expect(rung).toEqual({ advance: [searchId], evaluate: [], export: [] });
  });

  test("keeps its lease however long it takes, while others sweep", async () => {
    const { id } = await plant({ ms: 4000 });
    let over = false;
    const swept: string[] = [];
    const running = run(id, { leaseSeconds: 1.5 }).finally(() => {
      over = true;
    });
    await until(async () => {
      swept.push(...(await own.store.sweepExpiredLeases()).waiting);
      return over;
    });
    await running;
    expect(swept).toEqual([]);
    expect(await row(id)).toMatchObject({ state: "complete", attempt: 1 });
  });

  test("is complete where it diverged", async () => {
    const { id } = await plant({ end: "diverged" });
    await run(id);
    expect(await row(id)).toMatchObject({ state: "complete", outcome: "diverged", score: 0.42 });
  });

  test("is written when the database was away at its end", async () => {
    const { id } = await plant({ ms: 1500 });
    const name = new URL(own.database.url).pathname.slice(1);
    const admin = new pg.Client({ connectionString: own.database.url.replace(name, "postgres") });
    await admin.connect();
    let over = false;
    const running = run(id).finally(() => {
      over = true;
    });
    try {
      await until(isTraining(id));
      await admin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
      await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [name]);
      await until(() => said.some((line) => line.includes("result not written yet")));
      expect(over).toBe(false);
    } finally {
      await admin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
      await admin.end();
    }
    await running;
    expect(await row(id)).toMatchObject({ state: "complete", score: 0.42, attempt: 1 });
  });
});

describe("a training stopped from outside", () => {
  test("by a cancelled search is killed, and nothing is written", async () => {
    const { id, searchId } = await plant({ ms: 60_000 });
    const child = newChild();
    const running = run(id, { child });
    await until(() => child.pid !== undefined);
    const pid = child.pid ?? 0;
    await own.store.changeSearchState(searchId, "cancelled");
    await running;
    expect(isAlive(pid)).toBe(false);
    expect(said.join()).toContain('"why":"cancelled"');
    expect(await row(id)).toMatchObject({ state: "cancelled", score: null, outcome: null, reason: null });
    expect(rung).toEqual({ advance: [], evaluate: [], export: [] });
  });

  test("by the loss of its lease is killed, and leaves the other's alone", async () => {
    const { id } = await plant({ ms: 60_000 });
    const child = newChild();
    const running = run(id, { child });
    await until(() => child.pid !== undefined);
    const pid = child.pid ?? 0;
    const other = await takeOver(id);
    await running;
    expect(isAlive(pid)).toBe(false);
    expect(said.join()).toContain('"why":"lost"');
    expect(await row(id)).toMatchObject({ state: "running", workerId: "worker-b", attempt: 2 });
    expect(await own.store.finishEvaluation(other, scored(0.9))).not.toBeNull();
  });

  test("by draining is given back as if it had never been taken, and rung for again", async () => {
    const { id } = await plant({ ms: 60_000 });
    const draining = new AbortController();
    const child = newChild();
    const running = run(id, { child, draining: draining.signal });
    await until(() => child.pid !== undefined);
    const pid = child.pid ?? 0;
    draining.abort();
    await running;
    expect(isAlive(pid)).toBe(false);
    expect(said.join()).toContain('"why":"draining"');
    expect(await row(id)).toMatchObject({ state: "waiting", attempt: 0, workerId: null });
    expect(rung.evaluate).toEqual([id]);
  });
});

test("a result that comes after the lease was lost is discarded", async () => {
  const { id } = await plant({ ms: 1000 });
  const running = run(id, { renewSeconds: 1000 });
  await until(isTraining(id));
  const other = await takeOver(id);
  await own.store.finishEvaluation(other, scored(0.9));
  await running;
  expect(await row(id)).toMatchObject({ state: "complete", score: 0.9, workerId: "worker-b", engine: "test" });
  expect(rung).toEqual({ advance: [], evaluate: [], export: [] });
});

describe("an evaluation that is not to be had", () => {
  test.each(["paused", "stopping", "cancelled"] as const)("of a %s search starts no process", async (state) => {
    const { id, searchId } = await plant({});
    await own.store.changeSearchState(searchId, state);
    const child = newChild();
    await run(id, { child });
    expect(child.pid).toBeUndefined();
    expect((await row(id))?.attempt).toBe(0);
  });

  test("because the worker drains is not even taken", async () => {
    const { id } = await plant({});
    await run(id, { draining: AbortSignal.abort() });
    expect(await row(id)).toMatchObject({ state: "waiting", attempt: 0 });
  });
});

describe("a training that fails", () => {
  test.each([
    [{ end: "invalid" }, "invalid", "segment 2: no such thing"],
    [{ end: "range" }, "invalid", "memorization: length 3 is odd"],
    [{ end: "bug" }, "internal", "x is not a function"],
    [{ end: "no-memory" }, "oom", /ran out of memory/],
  ] as const)("%j has failed for good as %s", async (behaviour, reason, message) => {
    const { id, searchId } = await plant(behaviour);
    await run(id);
    expect(await row(id)).toMatchObject({ state: "failed", reason, attempt: 1, score: null });
    expect((await row(id))?.message).toMatch(message);
    expect(rung).toEqual({ advance: [searchId], evaluate: [], export: [] });
  });

  test("by its time limit is killed as timeout, by its memory limit as oom", async () => {
    const slow = await plant({ ms: 60_000 }, { timeoutSeconds: 0.5 });
    const child = newChild();
    await run(slow.id, { child });
    expect(await row(slow.id)).toMatchObject({ state: "failed", reason: "timeout", attempt: 1 });
    expect(child.pid).toBeUndefined();
    const large = await plant({ ms: 60_000, megabytes: 400 }, { timeoutSeconds: 60, memoryMb: 300 });
    await run(large.id);
    expect(await row(large.id)).toMatchObject({ state: "failed", reason: "oom", attempt: 1 });
    expect((await row(large.id))?.message).toMatch(/limit 300 MB/);
  });

  test("by a crash of the process waits again, and after three of them has failed", async () => {
    const { id } = await plant({ end: "crash" });
    for (const attempt of [1, 2]) {
      await run(id);
      expect(await row(id)).toMatchObject({ state: "waiting", attempt });
      expect(rung.evaluate).toEqual([id]);
    }
    await run(id);
    expect(await row(id)).toMatchObject({ state: "failed", reason: "internal", attempt: 3 });
    expect((await row(id))?.message).toMatch(/SIGKILL/);
  });
});
