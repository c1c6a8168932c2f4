import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentLog } from "../../../../services/platform/log.ts";
import { maxAttempts } from "../../../../services/platform/store/leases.ts";
import { openStore } from "../../../../services/platform/store/store.ts";
import type { Lease } from "../../../../services/platform/store/types.ts";
import {
  expireLease,
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
  opened = await openTestStore({ connections: 10 });
});
afterAll(() => opened.close());

/** One candidate on two tasks, its evaluations waiting. */
async function plantOne(): Promise<{ id: string; waiting: readonly string[] }> {
  const { id } = await plantSearch(opened.store);
  const { waiting } = await propose(opened.store, id, [proposal(id)]);
  return { id, waiting };
}

describe("a lease", () => {
  test("comes with everything needed to run the evaluation", async () => {
    const { id, waiting } = await plantOne();
    const { config } = (await opened.store.loadSearch(id))!;
    const leased = await opened.store.leaseEvaluation(waiting[1]!, "worker-a", 30);
    expect(leased).toEqual({
      ...{ evaluationId: waiting[1], workerId: "worker-a", attempt: 1, fence: 1, searchId: id, candidateId: `${id}-0` },
      ...{ number: 0, genome: `genome ${id}`, genomeHash: `hash ${id}`, config, task: "memorization", seed: 7 },
      ...{ setting: { length: 32 }, resultKey: `${id} on memorization`, expiresAt: leased!.expiresAt },
    });
    const [row] = await opened.database.query<{ seconds: number }>(
      "SELECT extract(epoch FROM lease_expires_at - now())::float8 AS seconds FROM evaluations WHERE id = $1",
      [waiting[1]],
    );
    expect(row!.seconds).toBeGreaterThan(20);
    expect(row!.seconds).toBeLessThanOrEqual(30.1);
    expect(await opened.store.loadCandidate(id, 0)).toMatchObject({ state: "running" });
  });

  test("goes to one of many workers that ask at once", async () => {
    const { waiting } = await plantOne();
    const names = Array.from({ length: 10 }, (_, n) => `worker-${n}`);
    const leases = await Promise.all(names.map((name) => opened.store.leaseEvaluation(waiting[0]!, name, 30)));
    expect(leases.filter((leased) => leased !== null)).toHaveLength(1);
  });

  test("is not given for an evaluation that is done, unknown, or another's", async () => {
    const { waiting } = await plantOne();
    await finishAll(opened.store, [waiting[0]!]);
    expect(await opened.store.leaseEvaluation(waiting[0]!, "worker-a", 30)).toBeNull();
    expect(await opened.store.leaseEvaluation("000000000000-0-0", "worker-a", 30)).toBeNull();
    await lease(opened.store, waiting[1]!, "worker-b");
    expect(await opened.store.leaseEvaluation(waiting[1]!, "worker-a", 30)).toBeNull();
  });

  test("is renewed while it is held, and reported lost to a worker that was replaced", async () => {
    const { waiting } = await plantOne();
    const first = await opened.store.leaseEvaluation(waiting[0]!, "worker-a", 1);
    expect(await opened.store.renewLease(first!, 30)).toBe("held");
    expect(await opened.store.sweepExpiredLeases()).toEqual({ waiting: [], failed: [], searchIds: [] });
    await expireLease(opened.database, waiting[0]!);
    await opened.store.sweepExpiredLeases();
    expect(await opened.store.renewLease(first!, 30)).toBe("lost");
    const second = await lease(opened.store, waiting[0]!, "worker-b");
    expect(await opened.store.renewLease(first!, 30)).toBe("lost");
    expect(await opened.store.renewLease(second, 30)).toBe("held");
  });

  test("that ran out unnoticed is still good while nobody else was given the work", async () => {
    const { waiting } = await plantOne();
    const leased = await lease(opened.store, waiting[0]!);
    await expireLease(opened.database, waiting[0]!);
    expect(await opened.store.renewLease(leased, 30)).toBe("held");
    expect(await opened.store.finishEvaluation(leased, scored(0.5))).not.toBeNull();
  });
});

describe("a result", () => {
  test("counts once, however often it is delivered", async () => {
    const { waiting } = await plantOne();
    const leased = await lease(opened.store, waiting[0]!);
    const outcomes = await Promise.all(
      [0.1, 0.2, 0.3, 0.4].map((score) => opened.store.finishEvaluation(leased, scored(score))),
    );
    expect(outcomes.filter((outcome) => outcome !== null)).toHaveLength(1);
    const winner = [0.1, 0.2, 0.3, 0.4][outcomes.findIndex((outcome) => outcome !== null)];
    expect(await opened.store.loadEvaluation(waiting[0]!)).toMatchObject({ state: "complete", score: winner });
  });

  test("of a worker whose lease was taken over is discarded, before and after the successor's", async () => {
    const { waiting } = await plantOne();
    const late = await lease(opened.store, waiting[0]!, "worker-a");
    await expireLease(opened.database, waiting[0]!);
    await opened.store.sweepExpiredLeases();
    expect(await opened.store.finishEvaluation(late, scored(0.9))).toBeNull();
    const next = await lease(opened.store, waiting[0]!, "worker-b");
    expect(next).toMatchObject({ attempt: 2, fence: 2 });
    expect(await opened.store.finishEvaluation(late, scored(0.9))).toBeNull();
    expect(await opened.store.finishEvaluation(next, scored(0.3))).not.toBeNull();
    expect(await opened.store.finishEvaluation(late, scored(0.9))).toBeNull();
    expect(await opened.store.failEvaluation(late, { reason: "oom", message: "", retry: false })).toBeNull();
    expect(await opened.store.releaseLease(late)).toBeNull();
    expect(await opened.store.loadEvaluation(waiting[0]!)).toMatchObject({ score: 0.3, workerId: "worker-b" });
  });

  test("with a forged fence is discarded", async () => {
    const { waiting } = await plantOne();
    const { evaluationId, workerId, attempt, fence } = await lease(opened.store, waiting[0]!);
    const forged: Lease = { evaluationId, workerId, attempt, fence: fence + 1 };
    expect(await opened.store.finishEvaluation(forged, scored(0.5))).toBeNull();
  });

  test("that is no score is refused by the database", async () => {
    const { waiting } = await plantOne();
    const leased = await lease(opened.store, waiting[0]!);
    for (const score of [1.5, -0.1, Number.NaN]) {
      await expect(opened.store.finishEvaluation(leased, scored(score))).rejects.toThrow();
    }
    expect(await opened.store.renewLease(leased, 30)).toBe("held");
  });

  test("is kept with its curve, metrics and engine", async () => {
    const { waiting } = await plantOne();
    const leased = await lease(opened.store, waiting[0]!);
    const curve = [{ step: 10, trainLoss: 2.5, testLoss: null, testAccuracy: 0.1 }];
    await opened.store.finishEvaluation(
      leased,
      scored(0.5, { curve, metrics: { best: { lr: 1e-3 } }, engine: "onnx" }),
    );
    const evaluation = await opened.store.loadEvaluation(waiting[0]!);
    expect(evaluation).toMatchObject({ curve, metrics: { best: { lr: 1e-3 } }, engine: "onnx", trainSeconds: 2 });
  });
});

describe("a candidate's score", () => {
  test("is the mean of its task scores, each the mean over the task's settings", async () => {
    const { id } = await plantSearch(opened.store);
    // Thirds, so that the order of summation shows: two tasks with three and one settings, given in mixed order.
    const plan = [
      ["noisy", 1 / 3],
      ["memory", 0.7],
      ["noisy", 2 / 3],
      ["noisy", 0.1],
    ] as const;
    const evaluations = plan.map(([task], n) => ({ task, setting: { n }, resultKey: `${id} ${n}`, seed: n, flops: 1 }));
    const { waiting } = await propose(opened.store, id, [proposal(id, { evaluations })]);
    for (const n of [3, 1, 0, 2]) {
      await opened.store.finishEvaluation(await lease(opened.store, waiting[n]!), scored(plan[n]![1]));
    }
    const noisy = (1 / 3 + 2 / 3 + 0.1) / 3;
    expect(await opened.store.loadCandidate(id, 0)).toMatchObject({
      state: "complete",
      outcome: "scored",
      taskScores: { noisy, memory: 0.7 },
      score: (0.7 + noisy) / 2,
      trainSeconds: 8,
    });
  });

  test("does not depend on the order in which its evaluations finish", async () => {
    // Rows are then read as they lie, the last one changed last.
    for (const way of ["indexscan", "indexonlyscan", "bitmapscan"]) {
      await opened.database.query(
        `DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET enable_${way} = off'; END $$`,
      );
    }
    const store = openStore({ databaseUrl: opened.database.url, log: silentLog, connections: 2 });
    const scores = [0.1, 0.2, 0.3, 0.6, 0.7, 1 / 3, 1 / 7];
    const orders = [scores.map((_, n) => n), scores.map((_, n) => n).reverse(), [3, 0, 6, 2, 5, 1, 4]];
    const found = new Set<number | null>();
    for (const order of orders) {
      const { id } = await plantSearch(store);
      const evaluations = scores.map((_, n) => ({
        task: "one",
        setting: { n },
        resultKey: `${id} ${n}`,
        seed: n,
        flops: 1,
      }));
      const { waiting } = await propose(store, id, [proposal(id, { evaluations })]);
      for (const n of order) {
        await store.finishEvaluation(await lease(store, waiting[n]!), scored(scores[n]!));
      }
      found.add((await store.loadCandidate(id, 0))!.score);
    }
    await store.close();
    expect(found.size).toBe(1);
  });

  test("is there even when two evaluations finish at the same moment", async () => {
    for (let round = 0; round < 10; round++) {
      const { id, waiting } = await plantOne();
      const leases = await Promise.all(waiting.map((evaluation) => lease(opened.store, evaluation)));
      const settled = await Promise.all(leases.map((leased) => opened.store.finishEvaluation(leased, scored(0.5))));
      expect(settled.flatMap((one) => [...one!.searchIds])).toEqual([id]);
      expect(await opened.store.loadCandidate(id, 0)).toMatchObject({ state: "complete", score: 0.5 });
    }
  });

  test("is flagged as diverged when any of its trainings diverged, and ranked all the same", async () => {
    const { id, waiting } = await plantOne();
    await opened.store.finishEvaluation(
      await lease(opened.store, waiting[0]!),
      scored(0.0625, { outcome: "diverged" }),
    );
    await finishAll(opened.store, [waiting[1]!], 0.5);
    expect(await opened.store.loadCandidate(id, 0)).toMatchObject({
      ...{ state: "complete", outcome: "diverged", score: (0.0625 + 0.5) / 2 },
    });
  });
});

describe("a failure", () => {
  test("of the candidate is final: its other evaluations are cancelled, and it is told as failed", async () => {
    const { id, waiting } = await plantOne();
    const leased = await lease(opened.store, waiting[0]!);
    const settled = await opened.store.failEvaluation(leased, {
      reason: "timeout",
      message: "61 s > 60 s",
      retry: false,
    });
    expect(settled).toEqual({ waiting: [], failed: [waiting[0]], searchIds: [id] });
    expect(await opened.store.loadCandidate(id, 0)).toMatchObject({
      ...{ state: "failed", reason: "timeout", message: "61 s > 60 s", score: null, outcome: null },
      evaluations: [{ state: "failed" }, { state: "cancelled" }],
    });
    expect((await opened.store.searchProgress([id])).get(id)!.failuresByReason).toEqual({ timeout: 1 });
  });

  test("waits for a sibling that runs before the candidate is finished", async () => {
    const { id, waiting } = await plantOne();
    const [first, second] = [await lease(opened.store, waiting[0]!), await lease(opened.store, waiting[1]!)];
    await opened.store.failEvaluation(first, { reason: "oom", message: "", retry: false });
    expect(await opened.store.loadCandidate(id, 0)).toMatchObject({ state: "running" });
    expect(await opened.store.finishEvaluation(second, scored(0.5))).toEqual({ searchIds: [id], waiting: [] });
    expect(await opened.store.loadCandidate(id, 0)).toMatchObject({ state: "failed", reason: "oom", score: null });
  });

  test(`of the machine is tried again, ${maxAttempts} times in all`, async () => {
    const { waiting } = await plantOne();
    const failure = { reason: "internal" as const, message: "disk full", retry: true };
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      const leased = await lease(opened.store, waiting[0]!);
      expect(leased.attempt).toBe(attempt);
      const { waiting: again, failed } = (await opened.store.failEvaluation(leased, failure))!;
      expect([again, failed]).toEqual(attempt < maxAttempts ? [[waiting[0]], []] : [[], [waiting[0]]]);
    }
    expect(await opened.store.loadEvaluation(waiting[0]!)).toMatchObject({ state: "failed", reason: "internal" });
  });

  test("to renew sends the evaluation back, and after the last attempt fails it as worker-lost", async () => {
    const { id, waiting } = await plantOne();
    await opened.store.sweepExpiredLeases(); // of tests before this one, on a slow machine
    for (let attempt = 1; attempt <= maxAttempts; attempt++) {
      await lease(opened.store, waiting[0]!);
      await expireLease(opened.database, waiting[0]!);
      const { waiting: again, failed } = await opened.store.sweepExpiredLeases();
      expect([again, failed]).toEqual(attempt < maxAttempts ? [[waiting[0]], []] : [[], [waiting[0]]]);
    }
    expect(await opened.store.loadCandidate(id, 0)).toMatchObject({ state: "failed", reason: "worker-lost" });
  });

  test("that is swept by several reconcilers at once is swept once", async () => {
    const { waiting } = await plantOne();
    await opened.store.sweepExpiredLeases(); // of tests before this one, on a slow machine
    await lease(opened.store, waiting[0]!);
    await expireLease(opened.database, waiting[0]!);
    const sweeps = await Promise.all(Array.from({ length: 5 }, () => opened.store.sweepExpiredLeases()));
    expect(sweeps.flatMap(({ waiting: again }) => [...again])).toEqual([waiting[0]]);
  });
});

test("a lease that is given back does not cost an attempt", async () => {
  const { id, waiting } = await plantOne();
  for (let i = 0; i < maxAttempts + 1; i++) {
    const leased = await lease(opened.store, waiting[0]!);
    expect(leased.attempt).toBe(1);
    expect(await opened.store.releaseLease(leased)).toMatchObject({ waiting: [waiting[0]], failed: [] });
  }
  expect(await opened.store.loadCandidate(id, 0)).toMatchObject({ state: "waiting" });
  expect(await opened.store.loadEvaluation(waiting[0]!)).toMatchObject({ workerId: null, startedAt: null, attempt: 0 });
});
