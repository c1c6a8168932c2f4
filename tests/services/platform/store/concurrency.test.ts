// Everything at once, in an order nobody chose: nothing may deadlock, and afterwards every candidate must be what a
// plain loop over its evaluations says.
import { afterAll, beforeAll, expect, test } from "vitest";
import { AppError } from "../../../../services/platform/errors.ts";
import type { CandidateDetail, LeasedEvaluation } from "../../../../services/platform/store/types.ts";
import {
  expireLease,
  openTestStore,
  plantSearch,
  proposal,
  scored,
  type TestStore,
} from "../../../integration/store.ts";

let opened: TestStore;
beforeAll(async () => {
  opened = await openTestStore({ connections: 10 });
});
afterAll(() => opened.close());

test("many workers, reconcilers and people at once", async () => {
  const { store, database } = opened;
  const searches = await Promise.all(
    Array.from({ length: 5 }, (_, n) => plantSearch(store, { deterministic: n % 2 === 0, budget: { candidates: 40 } })),
  );
  const held: LeasedEvaluation[] = [];
  let genomes = 0;

  const actions: Record<string, () => Promise<unknown>> = {
    advance: () =>
      store.advanceSearch(pick(searches).id, ({ remaining }) => ({
        algorithmState: {},
        // The same genomes over and over: results are shared between searches.
        proposals: Array.from({ length: Math.min(remaining, 2) }, () => proposal(`crowd ${genomes++ % 30}`)),
      })),
    async lease() {
      const [id] = await store.listWaitingEvaluations({ limit: 1, searchId: pick(searches).id });
      const leased = id === undefined ? null : await store.leaseEvaluation(id, "worker", 30);
      if (leased !== null) held.push(leased);
    },
    async finish() {
      const lease = take(held);
      if (lease) await store.finishEvaluation(lease, scored(Math.round(Math.random() * 100) / 100));
    },
    async fail() {
      const lease = take(held);
      const failure = { reason: "oom", message: "planted", retry: Math.random() < 0.7 } as const;
      if (lease) await store.failEvaluation(lease, failure);
    },
    async release() {
      const lease = take(held);
      if (lease) await store.releaseLease(lease);
    },
    async renew() {
      if (held.length > 0) await store.renewLease(pick(held), 30);
    },
    async lose() {
      const lease = take(held);
      if (lease) await expireLease(database, lease.evaluationId);
      await store.sweepExpiredLeases();
    },
    pause: () => store.changeSearchState(pick(searches).id, "paused"),
    resume: () => store.changeSearchState(pick(searches).id, "running"),
  };
  const often = ["advance", "lease", "lease", "lease", "finish", "finish", "lose", "fail", "release", "renew"];
  const unexpected: unknown[] = [];

  async function actor(rounds: number): Promise<void> {
    for (let i = 0; i < rounds; i++) {
      const name = Math.random() < 0.1 ? pick(["pause", "resume", "resume"]) : pick(often);
      await actions[name]!().catch((error) => {
        if (!(error instanceof AppError) || error.code !== "SEARCH_STATE_CONFLICT") unexpected.push(error);
      });
    }
  }
  await Promise.all(Array.from({ length: 8 }, () => actor(60)));
  const last = ["stopping", "cancelled", "failed", "cancelled", "stopping"] as const;
  await Promise.all([
    ...searches.map(({ id }, n) => store.changeSearchState(id, last[n]!)),
    ...Array.from({ length: 4 }, () => actor(20)),
  ]).catch((error) => unexpected.push(error));
  expect(unexpected.filter((error) => !(error instanceof AppError && error.code === "SEARCH_FINISHED"))).toEqual([]);
  for (let lease = take(held); lease; lease = take(held)) await store.finishEvaluation(lease, scored(0.5));

  let candidates = 0;
  for (const { id } of searches) {
    const { proposed } = (await store.loadSearch(id))!;
    expect(proposed).toBeLessThanOrEqual(40);
    for (let number = 0; number < proposed; number++) {
      const candidate = await store.loadCandidate(id, number);
      expect(candidate).toMatchObject(settledByHand(candidate!));
      candidates++;
    }
  }
  expect(candidates).toBeGreaterThan(30);

  const paidTwice = await database.query(
    "SELECT result_key FROM evaluations WHERE state = 'complete' AND reused_from IS NULL GROUP BY result_key HAVING count(*) > 1",
  );
  expect(paidTwice).toEqual([]);
});

/** The rule of settle.ts, as a loop. */
function settledByHand({ evaluations }: CandidateDetail): Partial<CandidateDetail> {
  const states = evaluations.map(({ state }) => state);
  if (states.includes("waiting") || states.includes("running")) {
    return { state: states.every((state) => state === "waiting") ? "waiting" : "running", score: null };
  }
  for (const state of ["failed", "cancelled", "pruned"] as const) {
    if (states.includes(state)) return { state, score: null, outcome: null };
  }
  const tasks = [...new Set(evaluations.map(({ task }) => task))].sort();
  const means = tasks.map((task) => mean(evaluations.filter((one) => one.task === task).map(({ score }) => score!)));
  return {
    state: "complete",
    outcome: "scored",
    score: mean(means),
    taskScores: Object.fromEntries(tasks.map((task, n) => [task, means[n]!])),
    trainSeconds: evaluations.reduce((sum, one) => sum + (one.reusedFrom === null ? one.trainSeconds! : 0), 0),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function pick<T>(items: readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)]!;
}

function take<T>(items: T[]): T | undefined {
  return items.splice(Math.floor(Math.random() * items.length), 1)[0];
}
