import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentLog } from "../../../../services/platform/log.ts";
import { openStore } from "../../../../services/platform/store/store.ts";
import type { AdvanceView, CandidateResult } from "../../../../services/platform/store/types.ts";
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
beforeAll(async () => {
  opened = await openTestStore({ connections: 12 });
});
afterAll(() => opened.close());

const numbers = (results: readonly CandidateResult[]) => results.map(({ number }) => number);

/** What the callback sees, without changing anything. */
async function look(id: string): Promise<AdvanceView> {
  let seen: AdvanceView | undefined;
  await opened.store.advanceSearch(id, (view) => {
    seen = view;
    return null;
  });
  if (seen === undefined) throw new Error(`search ${id} cannot advance`);
  return seen;
}

/** Tells whatever there is. */
async function tellAll(id: string): Promise<number[]> {
  let told: number[] = [];
  await opened.store.advanceSearch(id, ({ results }) => {
    told = numbers(results);
    return { algorithmState: {}, proposals: [] };
  });
  return told;
}

describe("one advance", () => {
  test("begins a queued search, and stores state, candidates and evaluations together", async () => {
    const { id } = await plantSearch(opened.store);
    const advanced = await propose(opened.store, id, [proposal("first", { parents: [], generation: 3 })], {
      algorithmState: { round: 1 },
      generation: 3,
      referencePoint: { score: 0.1, parameters: 5000 },
    });
    expect(advanced.search).toMatchObject({ state: "running", generation: 3, proposed: 1 });
    expect(advanced.search.referencePoint).toEqual({ score: 0.1, parameters: 5000 });
    expect(advanced.waiting).toEqual([`${id}-0-0`, `${id}-0-1`]);
    expect((await look(id)).algorithmState).toEqual({ round: 1 });
    expect(await opened.store.loadCandidate(id, 0)).toMatchObject({
      ...{ id: `${id}-0`, number: 0, genome: "genome first", genomeHash: "hash first", generation: 3, feasible: true },
      ...{ parameters: 1000, stateBytes: 2000, flopsPerToken: 3000, variation: { kind: "sampled" }, state: "waiting" },
      evaluations: [
        { id: `${id}-0-0`, task: "compression", setting: { length: 32 }, state: "waiting", attempt: 0 },
        { id: `${id}-0-1`, task: "memorization", setting: { length: 32 }, state: "waiting", attempt: 0 },
      ],
    });
  });

  test("that throws leaves nothing behind", async () => {
    const { id } = await plantSearch(opened.store);
    const failing = opened.store.advanceSearch(id, () => {
      throw new Error("planted");
    });
    await expect(failing).rejects.toThrow("planted");
    expect(await opened.store.loadSearch(id)).toMatchObject({ state: "queued", proposed: 0 });
    expect((await opened.store.listEvents({ after: 0, limit: 10, searchId: id })).map(({ type }) => type)).toEqual([
      "search.created",
    ]);
  });

  test("keeps a number's every digit on its way through the database", async () => {
    const { id } = await plantSearch(opened.store);
    const parameters = 0.1 + 0.2;
    const seed = Number.MAX_SAFE_INTEGER;
    const evaluations = [{ task: "compression", setting: { rate: 1 / 3 }, resultKey: `digits ${id}`, seed, flops: 1 }];
    await propose(opened.store, id, [proposal("digits", { parameters, evaluations })]);
    const leased = await lease(opened.store, `${id}-0-0`);
    expect(leased).toMatchObject({ seed, setting: { rate: 1 / 3 } });
    await opened.store.finishEvaluation(leased, scored(2 / 3));
    expect(await opened.store.loadCandidate(id, 0)).toMatchObject({ parameters, score: 2 / 3 });
  });

  test("is refused for costs that are no numbers, and for candidates with nothing to train", async () => {
    const { id } = await plantSearch(opened.store);
    for (const bad of [{ parameters: Number.NaN }, { stateBytes: Infinity }, { evaluations: [] }, { pruned: "why" }]) {
      await expect(propose(opened.store, id, [proposal("bad", bad)])).rejects.toThrow(`search ${id}, candidate 0`);
    }
  });

  test("marks a pruned candidate as finished and asks to be called again", async () => {
    const { id } = await plantSearch(opened.store);
    const pruned = proposal("dear", { feasible: false, pruned: "parameters 1e9 > 1e6", evaluations: [] });
    const advanced = await propose(opened.store, id, [pruned]);
    expect(advanced).toMatchObject({ waiting: [], again: true });
    expect((await look(id)).results).toMatchObject([{ number: 0, state: "pruned", feasible: false, score: null }]);
    expect(await opened.store.loadCandidate(id, 0)).toMatchObject({ message: "parameters 1e9 > 1e6" });
  });

  test("ends the search when told to, with what is unfinished cancelled", async () => {
    const { id } = await plantSearch(opened.store);
    const advanced = await propose(opened.store, id, [proposal("late")], {
      end: { state: "completed", reason: "converged" },
    });
    expect(advanced.search).toMatchObject({ state: "completed", reason: "converged" });
    expect(await opened.store.loadCandidate(id, 0)).toMatchObject({ state: "cancelled" });
    expect(await opened.store.advanceSearch(id, () => null)).toBeNull();
  });
});

describe("the known genomes", () => {
  const knows = async (store: TestStore["store"], id: string, names: readonly string[]) => {
    let known: boolean[] = [];
    await store.advanceSearch(id, (view) => {
      known = names.map((name) => view.known.has(proposal(name).genomeHash));
      return null;
    });
    return known;
  };

  test("are those of every candidate but the known designs, of this search alone", async () => {
    const { id } = await plantSearch(opened.store);
    const other = await plantSearch(opened.store);
    expect(await knows(opened.store, id, ["one"])).toEqual([false]);
    await propose(opened.store, id, [proposal("one"), proposal("yardstick", { knownDesign: "mamba" })]);
    await propose(opened.store, id, [proposal("two")]);
    expect(await knows(opened.store, id, ["one", "two", "yardstick", "three"])).toEqual([true, true, false, false]);
    expect(await knows(opened.store, other.id, ["one", "two"])).toEqual([false, false]);
  });

  test("are the same in a process that has just begun, and in one whose advance was lost", async () => {
    const { id } = await plantSearch(opened.store);
    await propose(opened.store, id, [proposal("one")]);
    const lost = opened.store.advanceSearch(id, () => ({
      algorithmState: {},
      proposals: [proposal("two"), proposal("bad", { evaluations: [] })],
    }));
    await expect(lost).rejects.toThrow("candidate 2");
    const second = openStore({ databaseUrl: opened.database.url, log: silentLog });
    await propose(second, id, [proposal("three")]);
    for (const store of [second, opened.store]) {
      expect(await knows(store, id, ["one", "two", "three"])).toEqual([true, false, true]);
    }
    await second.close();
  });

  test("are looked up with the same statements, however many there are", async () => {
    const { id } = await plantSearch(opened.store);
    const round = (name: string) => countStatements(() => propose(opened.store, id, [proposal(name)]));
    await round("first");
    const early = await round("early");
    await propose(
      opened.store,
      id,
      Array.from({ length: 50 }, (_, n) => proposal(`between ${n}`)),
    );
    await round("after");
    expect(await round("late")).toBe(early);
  });
});

describe("results are told", () => {
  test("in order of number up to the first unfinished candidate, when deterministic", async () => {
    const { id } = await plantSearch(opened.store, { deterministic: true });
    const { waiting } = await propose(
      opened.store,
      id,
      ["a", "b", "c", "d"].map((name) => proposal(`${id} ${name}`)),
    );
    const evaluationsOf = (n: number) => waiting.slice(2 * n, 2 * n + 2);
    await finishAll(opened.store, [...evaluationsOf(2), ...evaluationsOf(1)]);
    expect(await look(id)).toMatchObject({ results: [], unfinished: { waiting: 2, running: 0 }, nextNumber: 4 });
    await finishAll(opened.store, evaluationsOf(0));
    expect(await tellAll(id)).toEqual([0, 1, 2]);
    expect(await tellAll(id)).toEqual([]);
    await finishAll(opened.store, evaluationsOf(3));
    expect(await tellAll(id)).toEqual([3]);
    expect(await opened.store.loadSearch(id)).toMatchObject({ told: 4 });
  });

  test("as they finish, otherwise", async () => {
    const { id } = await plantSearch(opened.store, { deterministic: false });
    const { waiting } = await propose(
      opened.store,
      id,
      ["a", "b", "c"].map((name) => proposal(`${id} ${name}`)),
    );
    await finishAll(opened.store, waiting.slice(4, 6));
    await finishAll(opened.store, waiting.slice(0, 2));
    expect(await tellAll(id)).toEqual([2, 0]);
    await finishAll(opened.store, waiting.slice(2, 4));
    expect(await tellAll(id)).toEqual([1]);
    const { items } = await opened.store.listCandidates(id, { limit: 10 });
    expect(items.map(({ number, toldOrder }) => [number, toldOrder])).toEqual([
      [0, 1],
      [1, 2],
      [2, 0],
    ]);
  });

  test("exactly once, with the hypervolume after each", async () => {
    const { id } = await plantSearch(opened.store);
    const { waiting } = await propose(opened.store, id, [proposal(`${id} a`), proposal(`${id} b`)]);
    await finishAll(opened.store, waiting);
    await opened.store.advanceSearch(id, ({ results }) => ({
      algorithmState: {},
      proposals: [],
      hypervolumes: new Map(results.map(({ number }) => [number, 10 + number])),
    }));
    expect(await look(id)).toMatchObject({ results: [], search: { hypervolume: 11, told: 2 } });
    expect(await opened.store.hypervolumeSeries(id)).toMatchObject([
      { number: 0, hypervolume: 10, trainSeconds: 4 },
      { number: 1, hypervolume: 11, trainSeconds: 8 },
    ]);
  });

  test("the series leaves out points that change nothing, but not the last", async () => {
    const { id } = await plantSearch(opened.store);
    const names = ["a", "b", "c", "d", "e"];
    const { waiting } = await propose(
      opened.store,
      id,
      names.map((name) => proposal(`${id} ${name}`)),
    );
    await finishAll(opened.store, waiting);
    const volumes = [1, 1, 2, 2, 2];
    await opened.store.advanceSearch(id, () => ({
      algorithmState: {},
      proposals: [],
      hypervolumes: new Map(volumes.map((volume, number) => [number, volume])),
    }));
    const series = await opened.store.hypervolumeSeries(id);
    expect(series.map(({ number, hypervolume, trainSeconds }) => [number, hypervolume, trainSeconds])).toEqual([
      [0, 1, 4],
      [2, 2, 12],
      [4, 2, 20],
    ]);
  });
});

describe("the budget", () => {
  test("does not count known designs", async () => {
    const { id } = await plantSearch(opened.store, { budget: { candidates: 1 } });
    const known = proposal("known", { knownDesign: "mamba" });
    await propose(opened.store, id, [known, proposal("one")]);
    expect(await look(id)).toMatchObject({ remaining: 0, search: { proposed: 1 }, nextNumber: 2 });
  });

  test("cannot be exceeded, not by one", async () => {
    const { id } = await plantSearch(opened.store, { budget: { candidates: 2 } });
    await propose(opened.store, id, [proposal("one")]);
    await expect(propose(opened.store, id, [proposal("two"), proposal("three")])).rejects.toMatchObject({
      code: "BUDGET_EXCEEDED",
    });
    expect(await opened.store.loadSearch(id)).toMatchObject({ proposed: 1 });
    await propose(opened.store, id, [proposal("two")]);
    await expect(propose(opened.store, id, [proposal("three")])).rejects.toThrow("0 left in its budget");
  });

  test("of a paused or stopping search is nothing", async () => {
    const { id } = await plantSearch(opened.store);
    await opened.store.changeSearchState(id, "paused");
    expect((await look(id)).remaining).toBe(0);
    await expect(propose(opened.store, id, [proposal("one")])).rejects.toThrow("is paused");
  });

  test("is used up exactly when many workers finish and advance at once", async () => {
    const budget = 30;
    const { id } = await plantSearch(opened.store, { budget: { candidates: budget }, deterministic: false });
    let names = 0;
    /** Keeps eight candidates unfinished: each advance replaces what has finished. */
    const advance = () =>
      opened.store.advanceSearch(id, ({ unfinished, remaining }) => {
        const room = Math.min(remaining, 8 - unfinished.waiting - unfinished.running);
        return {
          algorithmState: {},
          proposals: Array.from({ length: room }, () => proposal(`${id} ${names++}`)),
        };
      });
    await advance();
    const worker = async (name: string) => {
      for (;;) {
        const [evaluation] = shuffled(await opened.store.listWaitingEvaluations({ limit: 20, searchId: id }));
        if (evaluation === undefined) {
          const { evaluations } = (await opened.store.searchProgress([id])).get(id)!;
          if (evaluations.waiting + evaluations.running === 0) return;
          continue;
        }
        const leased = await opened.store.leaseEvaluation(evaluation, name, 30);
        if (leased === null) continue;
        const settled = await opened.store.finishEvaluation(leased, scored(0.5));
        if (settled!.searchIds.length > 0) await advance();
      }
    };
    await Promise.all(["a", "b", "c", "d", "e"].map(worker));
    await advance();
    expect(await opened.store.loadSearch(id)).toMatchObject({ proposed: budget, told: budget });
    const { items } = await opened.store.listCandidates(id, { limit: 100 });
    expect(items.map(({ number }) => number)).toEqual(Array.from({ length: budget }, (_, n) => n));
    expect(new Set(items.map(({ toldOrder }) => toldOrder)).size).toBe(budget);
    expect(items.every(({ state, trainSeconds }) => state === "complete" && trainSeconds === 4)).toBe(true);
  });
});

describe("an equal evaluation is never paid for twice", () => {
  test("a finished one serves a new candidate, also in another search", async () => {
    const [first, second] = [await plantSearch(opened.store), await plantSearch(opened.store)];
    const { waiting } = await propose(opened.store, first.id, [proposal("shared")]);
    await finishAll(opened.store, waiting, 0.25);

    const advanced = await propose(opened.store, second.id, [proposal("shared"), proposal("own")]);
    expect(advanced).toMatchObject({ again: true, waiting: [`${second.id}-1-0`, `${second.id}-1-1`] });
    expect(await opened.store.loadCandidate(second.id, 0)).toMatchObject({
      state: "complete",
      score: 0.25,
      trainSeconds: 0,
      evaluations: [
        { state: "complete", reusedFrom: `${first.id}-0-0`, trainSeconds: 2, engine: "test" },
        { state: "complete", reusedFrom: `${first.id}-0-1`, trainSeconds: 2, engine: "test" },
      ],
    });
    expect((await look(second.id)).results).toMatchObject([{ number: 0, score: 0.25 }]);
  });

  test("while one runs, its equals are not leased, and take its result when it is there", async () => {
    const [first, second] = [await plantSearch(opened.store), await plantSearch(opened.store)];
    const { waiting: firsts } = await propose(opened.store, first.id, [proposal("twin")]);
    const { waiting: seconds } = await propose(opened.store, second.id, [proposal("twin")]);
    const leases = [await lease(opened.store, firsts[0]!), await lease(opened.store, firsts[1]!)];
    expect(await opened.store.leaseEvaluation(seconds[0]!, "worker-b", 30)).toBeNull();

    expect(await opened.store.finishEvaluation(leases[0]!, scored(0.2))).toEqual({ searchIds: [], waiting: [] });
    const settled = await opened.store.finishEvaluation(leases[1]!, scored(0.4));
    expect([...settled!.searchIds].sort()).toEqual([first.id, second.id].sort());
    expect(await opened.store.loadCandidate(second.id, 0)).toMatchObject({ state: "complete", trainSeconds: 0 });
  });

  test("two searches that want the same at the same moment pay for it once, and both get all of it", async () => {
    const searches = [await plantSearch(opened.store), await plantSearch(opened.store)];
    const wanted = Array.from({ length: 6 }, (_, n) => proposal(`shared ${searches[0]!.id} ${n}`));
    const asked = await Promise.all(searches.map(({ id }) => propose(opened.store, id, wanted)));
    const open = asked.flatMap(({ waiting }) => waiting);
    const work = async (worker: string) => {
      for (let id = open.shift(); id !== undefined; id = open.shift()) {
        const leased = await opened.store.leaseEvaluation(id, worker, 30);
        if (leased === null) continue; // its equal runs, or has served both
        if (leased.number === 0 && leased.attempt === 1) {
          const failure = { reason: "internal", message: "planted", retry: true } as const;
          open.push(...((await opened.store.failEvaluation(leased, failure))?.waiting ?? []));
        } else await opened.store.finishEvaluation(leased, scored(0.5));
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, n) => work(`worker ${n}`)));
    const progress = await opened.store.searchProgress(searches.map(({ id }) => id));
    const both = searches.map(({ id }) => progress.get(id)!);
    expect(both.map(({ candidates }) => candidates.complete)).toEqual([6, 6]);
    expect(both.reduce((sum, { reused }) => sum + reused, 0)).toBe(12);
    expect(both.reduce((sum, { spent }) => sum + spent.evaluations, 0)).toBe(12);
    const events = await Promise.all(
      searches.map(({ id }) => opened.store.listEvents({ after: 0, limit: 200, searchId: id })),
    );
    const paid = events.flat().filter(({ type }) => type === "evaluation.finished");
    expect(paid).toHaveLength(12);
  });

  test("when the one that runs fails, its equal may be leased", async () => {
    const [first, second] = [await plantSearch(opened.store), await plantSearch(opened.store)];
    const { waiting: firsts } = await propose(opened.store, first.id, [proposal("heir")]);
    const { waiting: seconds } = await propose(opened.store, second.id, [proposal("heir")]);
    const leased = await lease(opened.store, firsts[0]!);
    const swept = await opened.store.failEvaluation(leased, { reason: "timeout", message: "too slow", retry: false });
    expect(swept?.waiting).toEqual([seconds[0]]);
    expect(await opened.store.leaseEvaluation(seconds[0]!, "worker-b", 30)).not.toBeNull();
  });

  test("many workers on many equal candidates train each of them once", async () => {
    const searches = await Promise.all(Array.from({ length: 4 }, () => plantSearch(opened.store)));
    const names = ["crowd 1", "crowd 2", "crowd 3"];
    const waiting = (
      await Promise.all(
        searches.map(({ id }) =>
          propose(
            opened.store,
            id,
            names.map((name) => proposal(name)),
          ),
        ),
      )
    ).flatMap((advanced) => [...advanced.waiting]);
    let trained = 0;
    const worker = async (name: string) => {
      for (const id of shuffled(waiting)) {
        const leased = await opened.store.leaseEvaluation(id, name, 30);
        if (leased === null) continue;
        trained++;
        await opened.store.finishEvaluation(leased, scored(0.5));
      }
    };
    await Promise.all(["a", "b", "c", "d"].map(worker));
    for (const name of ["a", "b"]) await worker(name);
    expect(trained).toBe(names.length * 2);
    for (const { id } of searches) {
      const { items } = await opened.store.listCandidates(id, { limit: 10, states: ["complete"] });
      expect(items).toHaveLength(names.length);
    }
  });
});

function shuffled<T>(items: readonly T[]): T[] {
  return [...items].sort(() => Math.random() - 0.5);
}
