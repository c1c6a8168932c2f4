// Candidates that cannot be trained, and people who change their minds, on one service.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { SearchConfigInput } from "../../genome/space.ts";
import { openTestDatabase, type TestDatabase, temporaryHome } from "./postgres.ts";
import { accountFor, descendantsOf, type Starling, startStarling, tiny } from "./service-processes.ts";
import { until } from "./until.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let database: TestDatabase;
let starling: Starling;
const { home, remove } = temporaryHome();

beforeAll(async () => {
  database = await openTestDatabase();
  starling = await startStarling(home, { DATABASE_URL: database.url });
  await starling.worker();
});
afterAll(async () => {
  starling?.kill("SIGTERM");
  expect(await starling?.ended).toBe(0);
  await database?.close();
  remove();
});

const four = { ...tiny, algorithm: { name: "random" }, budget: { candidates: 4 } } satisfies SearchConfigInput;
/** Two steps of the published lengths take minutes. */
const slow = { ...four, profile: "fast" } satisfies SearchConfigInput;
const enginesOf = async () => descendantsOf((await starling.worker()).pid);

describe("a candidate that", () => {
  test("takes too long fails as timeout, its process is killed, and a search of nothing else fails", async () => {
    const { id } = await starling.submit({
      ...slow,
      seed: 21,
      evaluation: { timeoutSeconds: 3 },
      budget: { candidates: 2 },
    });
    await until(async () => (await starling.search(id)).evaluations.running > 0);
    await until(async () => (await enginesOf()).length > 0);
    const [engine] = await enginesOf();
    const search = await starling.searchEnded(id);
    expect(search).toMatchObject({ state: "failed", failuresByReason: { timeout: 2 } });
    expect(search.reason).toMatch(/no candidate could be trained/);
    expect(await enginesOf()).not.toContain(engine);
    for (const { reason, message, attempt } of accountFor(await starling.candidates(id)).evaluations) {
      expect({ reason, attempt }).toEqual({ reason: "timeout", attempt: 1 });
      expect(message).toMatch(/took longer than 3 s; its process was killed/);
    }
  });

  test("takes too much memory fails as oom", async () => {
    const { id } = await starling.submit({
      ...slow,
      seed: 22,
      evaluation: { memoryMb: 128 },
      budget: { candidates: 1 },
    });
    expect(await starling.searchEnded(id)).toMatchObject({ state: "failed", failuresByReason: { oom: 1 } });
    const [candidate] = await starling.candidates(id);
    expect(candidate).toMatchObject({ state: "failed", reason: "oom", score: null });
    expect(candidate?.evaluations[0]?.message).toMatch(/limit 128 MB/);
  });

  test("diverges is complete with the chance score, flagged, and counts in the search", async () => {
    // Every second candidate gets a learning rate at which the loss is not finite after a step.
    await database.query(`
      CREATE FUNCTION diverge() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.seed = 23 AND NEW.candidate_id ~ '[13]$' THEN
          NEW.setting := jsonb_set(NEW.setting, '{training,learningRates}', '[1e30]');
        END IF;
        RETURN NEW;
      END $$`);
    await database.query("CREATE TRIGGER diverge BEFORE INSERT ON evaluations FOR EACH ROW EXECUTE FUNCTION diverge()");
    const { id } = await starling.submit({ ...four, seed: 23 });
    const search = await starling.searchEnded(id);
    expect(search).toMatchObject({ state: "completed", candidates: { complete: 4, failed: 0 } });
    const candidates = await starling.candidates(id);
    expect(candidates.map(({ outcome }) => outcome)).toEqual(["scored", "diverged", "scored", "diverged"]);
    const { evaluations } = candidates[1] ?? {};
    expect(evaluations?.[0]).toMatchObject({ state: "complete", outcome: "diverged" });
    expect(evaluations?.[0]?.score).toBe(evaluations?.[0]?.metrics.chance);
    expect(candidates[1]?.score).toBe(evaluations?.[0]?.score);
    expect(candidates[1]?.score).toBeGreaterThan(0);
    expect(candidates[1]?.score).toBeLessThan(0.05);
  });
});

test("an equal search pays for nothing", async () => {
  const again = { ...four, seed: 24 };
  const first = await starling.submit(again);
  await starling.searchEnded(first.id);
  const second = await starling.submit(again);
  await starling.searchEnded(second.id);
  const [one, other] = await Promise.all([first, second].map(({ id }) => starling.candidates(id)));
  const paid = accountFor(other ?? []);
  expect(paid.paid).toEqual([]);
  expect(paid.attempts).toBe(0);
  expect(paid.sequence).toEqual(accountFor(one ?? []).sequence);
});

describe("a running search", () => {
  test("paused hands out nothing new, what runs goes on; resumed it completes", async () => {
    const { id } = await starling.submit({ ...four, seed: 31, budget: { candidates: 6 } });
    await starling.inTheMiddle(id, 1);
    expect(await starling.api.post(`/searches/${id}/pause`)).toMatchObject({ state: "paused" });
    await until(async () => (await starling.search(id)).evaluations.running === 0);
    const paused = await starling.search(id);
    expect(paused.evaluations.complete).toBeGreaterThanOrEqual(2);
    expect(paused.evaluations.waiting).toBeGreaterThan(0);
    // Another search is worked on meanwhile, this one is not.
    const other = await starling.submit({ ...four, seed: 32, budget: { candidates: 1 } });
    await starling.searchEnded(other.id);
    expect((await starling.search(id)).evaluations).toEqual(paused.evaluations);
    expect(await starling.api.post(`/searches/${id}/resume`)).toMatchObject({ state: "running" });
    expect(await starling.searchEnded(id)).toMatchObject({ state: "completed", candidates: { complete: 6 } });
  });

  test("stopped finishes what runs, cancels what waits, and is completed", async () => {
    const { id } = await starling.submit({ ...four, seed: 33 });
    await starling.inTheMiddle(id, 1);
    await starling.api.post(`/searches/${id}/stop`);
    const search = await starling.searchEnded(id);
    expect(search).toMatchObject({ state: "completed", reason: "stopped before its budget" });
    expect(search.evaluations).toMatchObject({ waiting: 0, running: 0, failed: 0 });
    expect(search.evaluations.complete).toBeGreaterThanOrEqual(2);
    expect(search.evaluations.cancelled).toBeGreaterThan(0);
  });

  test("cancelled has its training killed at once, and nothing of it is written", async () => {
    const { id } = await starling.submit({ ...slow, seed: 34 });
    await until(async () => (await starling.search(id)).evaluations.running > 0);
    await until(async () => (await enginesOf()).length > 0);
    const [engine] = await enginesOf();
    expect(await starling.api.post(`/searches/${id}/cancel`)).toMatchObject({ state: "cancelled" });
    await until(async () => !(await enginesOf()).includes(engine ?? 0));
    const { evaluations } = await starling.search(id);
    expect(evaluations).toMatchObject({ cancelled: 4, complete: 0, running: 0, waiting: 0, failed: 0 });
  });

  test("over its wall-clock budget is stopped and says so", async () => {
    const { id } = await starling.submit({ ...four, seed: 35, budget: { candidates: 500, wallSeconds: 2 } });
    expect(await starling.searchEnded(id)).toMatchObject({
      ...{ state: "completed", reason: "the wall-clock budget is used up" },
    });
  });
});

test("a search stopped or cancelled as soon as it is submitted ends", async () => {
  const ids: string[] = [];
  for (const verb of ["stop", "cancel"]) {
    const { id } = await starling.submit({ ...four, seed: 36, knownDesigns: ["hyena"] });
    await starling.api.post(`/searches/${id}/${verb}`);
    ids.push(id);
  }
  const ended = await Promise.all(ids.map((id) => starling.searchEnded(id)));
  expect(ended.map(({ state }) => state)).toEqual(["completed", "cancelled"]);
});
