import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { taskNames } from "../../../../genome/space.ts";
import type { Candidate, CandidateQuery } from "../../../../services/platform/store/types.ts";
import {
  countStatements,
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
let id: string;

/** Scores with ties and gaps, costs in another order. */
const scores = [0.5, null, 0.25, 0.5, 0.75, null, 0.5, 0.1];

beforeAll(async () => {
  opened = await openTestStore();
  ({ id } = await plantSearch(opened.store));
  const proposals = scores.map((_, n) =>
    proposal(`page ${n}`, { parameters: (n * 3) % 5, parents: n < 2 ? [] : [n - 2, 0], feasible: n !== 4 }),
  );
  const { waiting } = await propose(opened.store, id, [
    ...proposals,
    proposal("yardstick", { knownDesign: "mamba", parameters: -1 }),
  ]);
  for (const [n, score] of [...scores.entries(), [scores.length, 0.99] as const]) {
    if (score !== null) await finishAll(opened.store, waiting.slice(2 * n, 2 * n + 2), score);
  }
  const failing = await lease(opened.store, waiting[2]!);
  await opened.store.failEvaluation(failing, { reason: "oom", message: "out of memory", retry: false });
});
afterAll(() => opened.close());

async function walk(query: Omit<CandidateQuery, "cursor">): Promise<Candidate[]> {
  const seen: Candidate[] = [];
  let cursor: string | null = null;
  do {
    const page = await opened.store.listCandidates(id, { ...query, cursor });
    expect(page.items.length).toBeLessThanOrEqual(query.limit);
    seen.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return seen;
}

describe("pages of candidates", () => {
  const value = (candidate: Candidate, sort: CandidateQuery["sort"]) => candidate[sort ?? "number"];

  for (const sort of ["number", "score", "parameters", "stateBytes", "flopsPerToken"] as const) {
    for (const order of ["ascending", "descending"] as const) {
      for (const limit of [1, 2, 100]) {
        test(`by ${sort}, ${order}, ${limit} at a time: all of them, once, in order, the scoreless last`, async () => {
          const seen = await walk({ sort, order, limit });
          const sign = order === "ascending" ? 1 : -1;
          const expected = [...seen].sort((a, b) => {
            const [x, y] = [value(a, sort), value(b, sort)];
            if (x === null || y === null) return Number(x === null) - Number(y === null) || a.number - b.number;
            return sign * (x - y) || a.number - b.number;
          });
          expect(seen.map(({ number }) => number)).toEqual(expected.map(({ number }) => number));
          expect(new Set(seen.map(({ number }) => number)).size).toBe(scores.length + 1);
        });
      }
    }
  }

  test("can be narrowed to states", async () => {
    expect((await walk({ states: ["complete"], limit: 2 })).map(({ number }) => number)).toEqual([0, 2, 3, 4, 6, 7, 8]);
    expect(await walk({ states: ["failed", "waiting"], limit: 100 })).toMatchObject([
      { number: 1, state: "failed", reason: "oom", message: "out of memory" },
      { number: 5, state: "waiting" },
    ]);
  });

  test("refuse another list's cursor", async () => {
    const { nextCursor } = await opened.store.listCandidates(id, { limit: 1, sort: "score" });
    const listing = opened.store.listCandidates(id, { limit: 1, sort: "number", cursor: nextCursor });
    await expect(listing).rejects.toMatchObject({ code: "CURSOR_INVALID" });
  });
});

describe("one candidate", () => {
  test("knows its parents and its children", async () => {
    expect(await opened.store.loadCandidate(id, 2)).toMatchObject({ parents: [0, 0], children: [4] });
    expect((await opened.store.loadCandidate(id, 0))!.children).toEqual([2, 3, 4, 5, 6, 7]);
    expect(await opened.store.loadCandidate(id, 99)).toBeNull();
  });

  test("and several are found by number, those that exist, in order", async () => {
    const found = await opened.store.loadCandidates(id, [7, 3, 99, 0]);
    expect(found.map(({ number }) => number)).toEqual([0, 3, 7]);
  });
});

test("the compact list holds every complete candidate, known designs marked", async () => {
  const complete = await opened.store.completeCandidates(id);
  expect(complete.map(({ number }) => number)).toEqual([0, 2, 3, 4, 6, 7, 8]);
  expect(complete[3]).toEqual({
    ...{ number: 4, knownDesign: null, feasible: false, score: 0.75, parameters: 2, stateBytes: 2000 },
    ...{ flopsPerToken: 3000, taskScores: { compression: 0.75, memorization: 0.75 }, stepMs: 5 },
  });
  expect(complete[6]).toMatchObject({ knownDesign: "mamba", score: 0.99 });
});

test("progress counts by state, keeps known designs apart, and takes the best of the feasible", async () => {
  const empty = await plantSearch(opened.store);
  const progress = await opened.store.searchProgress([id, empty.id]);
  expect(progress.get(id)).toEqual({
    candidates: { waiting: 1, running: 0, complete: 6, pruned: 0, failed: 1, cancelled: 0 },
    knownDesigns: 1,
    evaluations: { waiting: 2, running: 0, complete: 14, pruned: 0, failed: 1, cancelled: 1 },
    ...{ failuresByReason: { oom: 1 }, reused: 0 },
    best: {
      ...{ score: 0.5, parameters: 0, stateBytes: 2000, flopsPerToken: 3000, stepMs: 5 },
      ...Object.fromEntries(taskNames.map((task) => [`score:${task}`, null])),
      ...{ "score:compression": 0.5, "score:memorization": 0.5 },
    },
    trainSeconds: 28,
    // All but the one that was cancelled before it began; the failed one held a worker for a moment.
    spent: { evaluations: 17, flops: 17e9, deviceSeconds: expect.closeTo(28, 0) },
  });
  expect(progress.get(empty.id)).toMatchObject({ knownDesigns: 0, best: { score: null }, trainSeconds: 0 });
});

test("totals for metrics count all searches that are not deleted", async () => {
  const counts = await opened.store.serviceCounts();
  expect(counts).toMatchObject({
    candidates: { complete: 7, failed: 1, waiting: 1 },
    evaluations: { complete: 14, failed: 1, cancelled: 1, waiting: 2 },
    failures: { oom: 1, timeout: 0, "worker-lost": 0 },
    ...{ diverged: 0, reused: 0, trainSeconds: 28 },
  });
  expect(counts.oldestWaitingSeconds).toBeGreaterThan(0);
});

test("the number of queries does not grow with the history", async () => {
  const { store } = opened;
  const reads: Record<string, (searchId: string) => Promise<unknown>> = {
    loadSearch: (searchId) => store.loadSearch(searchId),
    listSearches: () => store.listSearches({ limit: 50 }),
    searchProgress: (searchId) => store.searchProgress([searchId]),
    hypervolumeSeries: (searchId) => store.hypervolumeSeries(searchId),
    listCandidates: (searchId) => store.listCandidates(searchId, { limit: 50 }),
    loadCandidate: (searchId) => store.loadCandidate(searchId, 0),
    loadCandidates: (searchId) => store.loadCandidates(searchId, [0, 1, 2]),
    completeCandidates: (searchId) => store.completeCandidates(searchId),
    listWaitingEvaluations: (searchId) => store.listWaitingEvaluations({ limit: 50, searchId }),
    listEvents: (searchId) => store.listEvents({ after: 0, limit: 50, searchId }),
    listWorkers: () => store.listWorkers(),
    listDueSearches: () => store.listDueSearches(),
    serviceCounts: () => store.serviceCounts(),
    advanceSearch: (searchId) => store.advanceSearch(searchId, () => ({ algorithmState: {}, proposals: [] })),
  };
  async function count(searchId: string): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const [name, read] of Object.entries(reads)) counts[name] = await countStatements(() => read(searchId));
    return counts;
  }
  const small = await plantSearch(store);
  await propose(store, small.id, [proposal("small")]);
  await count(small.id); // Connections are made, and Prisma's own statements prepared.
  await propose(store, small.id, [proposal("another")]); // In both searches the next advance finds genomes it has not read.
  const few = await count(small.id);
  const large = await plantSearch(store);
  const proposals = Array.from({ length: 60 }, (_, n) => proposal(`large ${n}`, { parents: [0] }));
  const { waiting } = await propose(store, large.id, proposals);
  await finishAll(store, waiting.slice(0, 40));
  const many = await count(large.id);
  // With results to tell an advance has one statement more, however many they are.
  expect(many).toEqual({ ...few, advanceSearch: few.advanceSearch! + 1 });
  expect(Math.max(...Object.values(few))).toBeLessThan(20);
});

test("a lease and its result take a fixed number of statements", async () => {
  const { store } = opened;
  async function cost(candidates: number): Promise<[number, number]> {
    const search = await plantSearch(store);
    const names = Array.from({ length: candidates }, (_, n) => `${search.id} ${n}`);
    const { waiting } = await propose(
      store,
      search.id,
      names.map((name) => proposal(name)),
    );
    await finishAll(store, waiting.slice(1));
    let leased: Awaited<ReturnType<typeof lease>>;
    const leasing = await countStatements(async () => {
      leased = await lease(store, waiting[0]!);
    });
    return [leasing, await countStatements(() => store.finishEvaluation(leased, scored(0.5)))];
  }
  expect(await cost(30)).toEqual(await cost(1));
});
