// Simulated searches through real Postgres: what memory alone proposes, the store proposes, whoever works on it.
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type AlgorithmName, algorithms, searchConfig } from "../../genome/index.ts";
import { replaySearch, type StoredCandidate } from "../../workers/advance/replay.ts";
import { simulateSearch } from "../../workers/simulate/search.ts";
import { beginOnStore, candidatesOf, type Team, workOnStore } from "../../workers/simulate/work-on-store.ts";
import { openTestStore, type TestStore } from "./store.ts";

vi.setConfig({ testTimeout: 300_000 });

const configOf = (name: AlgorithmName) =>
  searchConfig.parse({
    ...{ seed: 11, tasks: ["in-context-recall", "compression"], knownDesigns: ["hyena", "mamba"] },
    ...{ algorithm: name === "surrogate" ? { name, mutants: 3 } : { name }, budget: { candidates: 40 } },
  });

function inMemory(name: AlgorithmName): StoredCandidate[] {
  const candidates: StoredCandidate[] = [];
  simulateSearch(configOf(name), { workers: 3 }, (candidate) => candidates.push(candidate));
  return candidates.sort((a, b) => a.number - b.number);
}

const names = Object.keys(algorithms) as AlgorithmName[];
const many: Team = { workers: 16, seed: 2, lost: 0.2, repeated: 0.3 };
const runs: [AlgorithmName, Team][] = [
  ["nsga2", { workers: 1 }],
  ["nsga2", { workers: 2, seed: 1, lost: 0.2, repeated: 0.3 }],
  ...names.map((name): [AlgorithmName, Team] => [name, many]),
];

test.each(runs)("%s stores the candidates that it proposes in memory, worked on by %o", async (name, team) => {
  // In a database of its own: in one together, the second search would take over the results of the first.
  const { store, close } = await openTestStore({ connections: 20, durable: false });
  onTestFinished(close);
  const id = await beginOnStore(store, configOf(name));
  const { lostLeases, refused } = await workOnStore(store, id, team);
  const search = (await store.loadSearch(id))!;
  expect(search).toMatchObject({ state: "completed", reason: null, told: 42 });
  const candidates = await candidatesOf(store, id);
  const expected = inMemory(name);
  expect(candidates).toHaveLength(42);
  candidates.forEach((candidate, number) => {
    expect(candidate).toMatchObject(expected[number]!);
  });
  expect(replaySearch(search, candidates)).toEqual({ compared: 42, difference: null });
  if (team.lost) {
    expect(lostLeases).toBeGreaterThan(5);
    expect(refused).toBeGreaterThan(lostLeases);
  }
});

describe("a row that was altered", () => {
  let opened: TestStore;
  let id: string;
  beforeAll(async () => {
    opened = await openTestStore({ durable: false });
    id = await beginOnStore(opened.store, configOf("nsga2"));
    await workOnStore(opened.store, id, { workers: 4 });
  });
  afterAll(() => opened.close());

  /** Alters, replays, and puts back what was there. */
  async function differenceAfter(number: number, change: string) {
    const { store, database } = opened;
    const [before] = await database.query<{ row: unknown }>(
      "SELECT to_jsonb(candidates) AS row FROM candidates WHERE search_id = $1 AND number = $2",
      [id, number],
    );
    await database.query(`UPDATE candidates SET ${change} WHERE search_id = $1 AND number = $2`, [id, number]);
    const { difference } = replaySearch((await store.loadSearch(id))!, await candidatesOf(store, id));
    await database.query("DELETE FROM candidates WHERE search_id = $1 AND number = $2", [id, number]);
    await database.query("INSERT INTO candidates SELECT * FROM jsonb_populate_record(null::candidates, $1)", [
      JSON.stringify(before?.row),
    ]);
    return difference;
  }

  test("is found by its own field where a decision was altered", async () => {
    expect(await differenceAfter(30, "parents = '{4}'")).toMatchObject({ number: 30, field: "parents", stored: [4] });
    expect(await differenceAfter(5, "variation = '{}'")).toMatchObject({ number: 5, field: "variation" });
    expect(await differenceAfter(0, "known_design = NULL")).toMatchObject({ number: 0, field: "knownDesign" });
    expect(await differenceAfter(41, "flops_per_token = flops_per_token + 1")).toMatchObject({
      ...{ number: 41, field: "flopsPerToken" },
    });
  });

  test("is found by what follows from it where a result was altered", async () => {
    const difference = await differenceAfter(10, "score = 1");
    expect(difference?.number).toBeGreaterThan(10);
  });

  test("is no longer found once it is as it was", async () => {
    const { store } = opened;
    expect(replaySearch((await store.loadSearch(id))!, await candidatesOf(store, id)).difference).toBeNull();
  });
});
