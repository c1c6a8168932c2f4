// Budgets besides the candidates, with 64 workers who finish at the same moment: what was spent is added up from the raw
// rows and may not pass the limit by anything.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SearchConfigInput, searchConfig } from "../../../../genome/space.ts";
import type { AdvanceView, Proposal } from "../../../../services/platform/store/types.ts";
import {
  finishAll,
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
  opened = await openTestStore({ connections: 16 });
});
afterAll(() => opened.close());

const workers = 64;

interface Spent {
  evaluations: number;
  flops: number;
  device_seconds: number;
  most_at_once: number;
}

/** From the events and the raw rows, not from the store's own sums. */
async function spentBy(id: string): Promise<Spent> {
  const [row] = await opened.database.query<Spent>(
    `SELECT count(*) FILTER (WHERE started_at IS NOT NULL)::int AS evaluations,
            coalesce(sum(flops) FILTER (WHERE started_at IS NOT NULL), 0) AS flops,
            coalesce(sum(train_seconds), 0) AS device_seconds,
            (SELECT max(running)::int FROM (
               SELECT sum(CASE type WHEN 'evaluation.started' THEN 1 WHEN 'evaluation.finished' THEN -1 ELSE 0 END)
                        OVER (ORDER BY id) AS running
               FROM events WHERE search_id = $1) AS flow) AS most_at_once
     FROM evaluations WHERE search_id = $1`,
    [id],
  );
  return row!;
}

/** As many candidates of two evaluations as the view can pay for, up to 40 unfinished. */
function affordable({ unfinished, remaining, allowance, nextNumber, search }: AdvanceView): Proposal[] {
  const room = Math.min(remaining, 40 - unfinished.waiting - unfinished.running);
  const count = Math.min(room, Math.floor(allowance.evaluations / 2), Math.floor(allowance.flops / 2e9));
  return Array.from({ length: Math.max(0, count) }, (_, n) => proposal(`${search.id} ${nextNumber + n}`));
}

/** Runs a search to its end with 64 workers; a result takes `seconds` by its worker's own word. */
async function exhaust(config: SearchConfigInput, seconds = 2): Promise<string> {
  const { store } = opened;
  const { id } = await plantSearch(store, { deterministic: false, budget: { candidates: 10_000 }, ...config });
  const advance = () => store.advanceSearch(id, (view) => ({ algorithmState: {}, proposals: affordable(view) }));
  await advance();
  const work = async (name: string): Promise<void> => {
    for (;;) {
      const waiting = await store.listWaitingEvaluations({ limit: 80, searchId: id });
      const { evaluations } = (await store.searchProgress([id])).get(id)!;
      if (waiting.length === 0 && evaluations.running === 0) return;
      const pick = waiting[Math.floor(Math.random() * waiting.length)];
      const leased = pick === undefined ? null : await store.leaseEvaluation(pick, name, 30);
      if (leased === null) {
        await sleep(20);
        continue;
      }
      await sleep(5);
      const settled = await store.finishEvaluation(leased, scored(0.5, { trainSeconds: seconds }));
      if (settled!.searchIds.length > 0) await advance();
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, n) => work(`worker ${n}`)));
  return id;
}

describe(`${workers} workers at once`, { timeout: 60_000 }, () => {
  test("use exactly the evaluations that were allowed", async () => {
    const budget = { candidates: 10_000, evaluations: 121 };
    const id = await exhaust({ budget });
    // Two to a candidate: the last one of 121 pays for nothing.
    expect(await spentBy(id)).toMatchObject({ evaluations: 120 });
    expect((await opened.store.searchProgress([id])).get(id)?.spent.evaluations).toBe(120);
  });

  test("use exactly the FLOPs that were allowed", async () => {
    const id = await exhaust({ budget: { candidates: 10_000, flops: 99.5e9 } });
    expect(await spentBy(id)).toMatchObject({ flops: 98e9 });
    expect((await opened.store.searchProgress([id])).get(id)?.spent.flops).toBe(98e9);
  });

  test("begin nothing that the device seconds leave no room for, and then the search stops", async () => {
    const id = await exhaust({ budget: { candidates: 10_000, deviceSeconds: 120 } }, 3);
    const { device_seconds } = await spentBy(id);
    expect(device_seconds).toBeLessThanOrEqual(120);
    // Room for one more would be room not used.
    expect(device_seconds).toBeGreaterThan(117);
    expect(await opened.store.loadSearch(id)).toMatchObject({
      state: "stopping",
      reason: "the budget of device seconds is used up",
    });
    expect((await opened.store.searchProgress([id])).get(id)?.spent.deviceSeconds).toBe(device_seconds);
  });

  test("run no more at once than the search's concurrency", async () => {
    const id = await exhaust({ budget: { candidates: 40 }, concurrency: 5 });
    expect(await spentBy(id)).toMatchObject({ evaluations: 80, most_at_once: 5 });
  });
});

describe("what counts", () => {
  const left = async (id: string) => {
    let allowance: AdvanceView["allowance"] | null = null;
    await opened.store.advanceSearch(id, (view) => {
      allowance = view.allowance;
      return null;
    });
    return allowance;
  };
  const budget = { candidates: 10, evaluations: 10, flops: 1e10 };

  test("known designs do, from the moment they are proposed", async () => {
    const { id } = await plantSearch(opened.store, { budget });
    await propose(opened.store, id, [proposal(`${id} known`, { knownDesign: "mamba" })]);
    expect(await left(id)).toEqual({ evaluations: 8, flops: 8e9 });
  });

  test("a result taken over does not, whenever it is taken over", async () => {
    const [first, second, third] = await Promise.all([1, 2, 3].map(() => plantSearch(opened.store, { budget })));
    const same = proposal(`same ${first!.id}`);
    const { waiting } = await propose(opened.store, first!.id, [same]);
    await propose(opened.store, second!.id, [same]);
    expect(await left(second!.id)).toEqual({ evaluations: 8, flops: 8e9 });
    await finishAll(opened.store, waiting);
    await propose(opened.store, third!.id, [same]);
    expect(await left(first!.id)).toEqual({ evaluations: 8, flops: 8e9 });
    expect(await left(second!.id)).toEqual({ evaluations: 10, flops: 1e10 });
    expect(await left(third!.id)).toEqual({ evaluations: 10, flops: 1e10 });
  });

  test("another attempt of one evaluation is no other evaluation, but its seconds count", async () => {
    const { id } = await plantSearch(opened.store, { budget });
    const { waiting } = await propose(opened.store, id, [proposal(`${id} lost`)]);
    const lost = await lease(opened.store, waiting[0]!);
    await opened.database.query("UPDATE evaluations SET started_at = started_at - interval '4 s' WHERE id = $1", [
      waiting[0],
    ]);
    await opened.store.failEvaluation(lost, { reason: "internal", message: "planted", retry: true });
    await finishAll(opened.store, waiting);
    expect(await left(id)).toEqual({ evaluations: 8, flops: 8e9 });
    const { spent } = (await opened.store.searchProgress([id])).get(id)!;
    expect(spent.deviceSeconds).toBeGreaterThanOrEqual(4 + 2 * 2);
    expect(spent.deviceSeconds).toBeLessThan(4 + 2 * 2 + 2);
  });

  test("what never began gives back what was reserved for it when the search stops", async () => {
    const { id } = await plantSearch(opened.store, { budget });
    const { waiting } = await propose(opened.store, id, [proposal(`${id} half`)]);
    await finishAll(opened.store, waiting.slice(0, 1));
    await opened.store.changeSearchState(id, "stopping");
    expect((await opened.store.searchProgress([id])).get(id)?.spent).toMatchObject({ evaluations: 1, flops: 1e9 });
  });

  test("the store refuses proposals beyond either limit", async () => {
    const { id } = await plantSearch(opened.store, { budget: { candidates: 10, evaluations: 3 } });
    const two = [proposal(`${id} a`), proposal(`${id} b`)];
    await expect(propose(opened.store, id, two)).rejects.toMatchObject({
      code: "BUDGET_EXCEEDED",
      message: `search ${id} is running: 4 evaluations proposed, 3 left in its budget`,
    });
    const { id: other } = await plantSearch(opened.store, { budget: { candidates: 10, flops: 3e9 } });
    await expect(propose(opened.store, other, two)).rejects.toThrow("4000000000 flops proposed, 3000000000 left");
  });

  test("no work is handed out once the wall-clock budget is used up, whoever notices first", async () => {
    const { id } = await plantSearch(opened.store, { budget: { candidates: 10, wallSeconds: 60 } });
    const { waiting } = await propose(opened.store, id, [proposal(`${id} late`)]);
    await opened.store.renewLease(await lease(opened.store, waiting[0]!), 30);
    await opened.database.query("UPDATE searches SET active_since = now() - interval '61 s' WHERE id = $1", [id]);
    expect(await opened.store.leaseEvaluation(waiting[1]!, "worker", 30)).toBeNull();
  });
});

test("who finishes where room is short rings for what waited for it", async () => {
  const { id } = await plantSearch(opened.store, { concurrency: 1 });
  const { waiting } = await propose(opened.store, id, [proposal(`${id} one`)]);
  const first = await lease(opened.store, waiting[0]!);
  expect(await opened.store.leaseEvaluation(waiting[1]!, "worker", 30)).toBeNull();
  const settled = await opened.store.finishEvaluation(first, scored(0.5));
  expect(settled?.waiting).toEqual([waiting[1]]);
  expect(searchConfig.parse({}).concurrency).toBeNull();
});
