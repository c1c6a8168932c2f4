// Rungs in the database: a candidate rests after a rung, goes on, or is stopped; its score is its last rung's.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SearchConfigInput } from "../../../../genome/space.ts";
import type { AdvanceView, ProposedEvaluation } from "../../../../services/platform/store/types.ts";
import {
  finishAll,
  lease,
  openTestStore,
  plantSearch,
  proposal,
  propose,
  type TestStore,
} from "../../../integration/store.ts";

let opened: TestStore;
beforeAll(async () => {
  opened = await openTestStore();
});
afterAll(() => opened.close());

const halving: SearchConfigInput = { fidelity: { rungs: [{ steps: 0.5 }], eta: 2 } };

const effort = (name: string, share: number): ProposedEvaluation[] => [
  { task: "compression", setting: { share }, resultKey: `${name} for ${share}`, seed: 7, flops: share * 1e9 },
];

/** Two candidates after their first rung, with these scores. */
async function climb() {
  const { store } = opened;
  const { id } = await plantSearch(store, halving);
  const begin = (name: string) =>
    proposal(name, { isFinal: false, cohort: 0, evaluations: effort(`${id} ${name}`, 0.5) });
  const { waiting } = await propose(store, id, [begin("a"), begin("b")]);
  await finishAll(store, waiting.slice(0, 1), 0.5);
  await finishAll(store, waiting.slice(1), 0.25);
  return id;
}

const goOn = (id: string) => ({
  promotions: [{ number: 0, rung: 1, isFinal: true, firstPosition: 1, evaluations: effort(`${id} a`, 1) }],
  stopped: [{ number: 1, message: "stopped on rung 0: place 2 of 2" }],
});

async function look(id: string): Promise<AdvanceView> {
  let seen: AdvanceView | null = null;
  await opened.store.advanceSearch(id, (view) => {
    seen = view;
    return null;
  });
  return seen!;
}

test("after a rung a candidate waits with its score on it: not told, not complete, and rung for", async () => {
  const id = await climb();
  const { results, inRungs, unfinished } = await look(id);
  expect({ results, unfinished }).toEqual({ results: [], unfinished: { waiting: 2, running: 0 } });
  expect(inRungs).toMatchObject([
    { number: 0, state: "waiting", score: null, rung: 0, cohort: 0, isFinal: false, rungScores: [0.5] },
    { number: 1, state: "waiting", score: null, rung: 0, cohort: 0, isFinal: false, rungScores: [0.25] },
  ]);
  expect(await opened.store.listDueSearches()).toContain(id);
  const types = (await opened.store.listEvents({ after: 0, limit: 100, searchId: id })).map(({ type }) => type);
  expect(types.filter((type) => type.startsWith("candidate."))).toEqual(["candidate.rested", "candidate.rested"]);
});

test("who goes on is trained on, and scored by the last rung alone; who is stopped is told", async () => {
  const id = await climb();
  const { waiting, again } = await propose(opened.store, id, [], goOn(id));
  expect({ waiting, again }).toEqual({ waiting: [`${id}-0-1`], again: true });
  expect((await look(id)).results).toMatchObject([]);
  await finishAll(opened.store, waiting, 0.875);
  expect(await opened.store.loadCandidate(id, 0)).toMatchObject({
    ...{
      state: "complete",
      score: 0.875,
      taskScores: { compression: 0.875 },
      rung: 1,
      isFinal: true,
      rungScores: [0.5],
    },
    ...{ paidEvaluations: 2, paidFlops: 1.5e9 },
    evaluations: [
      { rung: 0, score: 0.5 },
      { rung: 1, score: 0.875 },
    ],
  });
  expect(await opened.store.loadCandidate(id, 1)).toMatchObject({
    ...{ state: "pruned", score: null, message: "stopped on rung 0: place 2 of 2", paidEvaluations: 1 },
  });
  expect((await look(id)).results.map(({ number, state }) => [number, state])).toEqual([
    [0, "complete"],
    [1, "pruned"],
  ]);
});

test("a rung that was trained for an equal candidate is taken over, and decided on without a worker", async () => {
  const id = await climb();
  const twin = proposal("twin", { isFinal: false, cohort: 1, evaluations: effort(`${id} a`, 0.5) });
  expect(await propose(opened.store, id, [twin])).toMatchObject({ waiting: [], again: true });
  expect((await look(id)).inRungs).toMatchObject([{}, {}, { number: 2, rungScores: [0.5] }]);
});

test("a search that stops lets go of those that wait for a decision", async () => {
  const id = await climb();
  await opened.store.changeSearchState(id, "stopping");
  expect(await opened.store.loadCandidate(id, 0)).toMatchObject({ state: "cancelled", rungScores: [0.5] });

  const other = await plantSearch(opened.store, halving);
  const late = proposal("late", { isFinal: false, cohort: 0, evaluations: effort(`${other.id} late`, 0.5) });
  const { waiting } = await propose(opened.store, other.id, [late]);
  const held = await lease(opened.store, waiting[0]!);
  await opened.store.changeSearchState(other.id, "stopping");
  const result = {
    outcome: "scored",
    score: 1,
    metrics: {},
    curve: [],
    engine: "test",
    trainSeconds: 1,
    stepMs: 1,
  } as const;
  await opened.store.finishEvaluation(held, result);
  expect(await opened.store.loadCandidate(other.id, 0)).toMatchObject({ state: "cancelled", rungScores: [1] });
});
