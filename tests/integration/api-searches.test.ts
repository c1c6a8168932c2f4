// Submitting, listing and steering searches over HTTP.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  comparison as comparisonSchema,
  page,
  type Search,
  search as searchSchema,
  searchSummary,
} from "../../services/api/schemas.ts";
import type { SearchState } from "../../services/platform/store/types.ts";
import { openTestApi, type TestApi } from "./api.ts";
import { finishAll, proposal, propose } from "./store.ts";
import { until } from "./until.ts";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api?.close());

const create = async (payload: object = {}, headers: Record<string, string> = {}) =>
  api.ask("POST", "/api/v1/searches", { payload, headers });
const createId = async (payload: object = {}): Promise<string> => (await create(payload)).body.id;
const get = async (id: string): Promise<Search> => (await api.ask("GET", `/api/v1/searches/${id}`)).body;

describe("submitting", () => {
  test("an empty object is a whole search: every default comes back, and the place of the search", async () => {
    const answer = await create();
    expect(answer.status).toBe(201);
    expect(searchSchema.parse(answer.body)).toEqual(answer.body);
    expect(answer.headers.location).toBe(`searches/${answer.body.id}`);
    expect(answer.body).toMatchObject({
      state: "queued",
      profile: "smoke",
      algorithm: "nsga2",
      budget: { candidates: 64, evaluations: null, wallSeconds: null, deviceSeconds: null, flops: null },
      spent: { candidates: 0, evaluations: 0, wallSeconds: 0, deviceSeconds: 0, flops: 0 },
      best: { score: null, parameters: null, stateBytes: null },
      config: { seed: 0, space: { depth: 4, width: null, contextLength: 4096 }, deterministic: true },
      etaSeconds: null,
    });
    expect(await get(answer.body.id)).toEqual(answer.body);
  });

  test("the algorithm's first state is stored with the search, and its advance is rung for", async () => {
    const id = await createId({ algorithm: { name: "random" }, seed: 5, knownDesigns: ["mamba"] });
    const [row] = await api.database.query<{ algorithm_state: unknown }>(
      "SELECT algorithm_state FROM searches WHERE id = $1",
      [id],
    );
    expect(row?.algorithm_state).toMatchObject({ algorithm: { algorithm: "random", seed: 5, nextNumber: 1 } });
    const before = (await api.queues.counts()).advance.waiting;
    await create();
    await until(async () => (await api.queues.counts()).advance.waiting > before);
  });

  test("the same key and body give the same search, another body a conflict", async () => {
    const headers = { "idempotency-key": "a-key-of-the-client" };
    const first = await create({ name: "once", seed: 3 }, headers);
    const again = await create({ seed: 3, name: "once" }, headers);
    expect(first.headers["idempotent-replayed"]).toBeUndefined();
    expect(again.status).toBe(201);
    expect(again.headers["idempotent-replayed"]).toBe("true");
    expect(again.headers.location).toBe(first.headers.location);
    expect(again.body).toEqual(first.body);

    const other = await create({ name: "once", seed: 4 }, headers);
    expect(other.status).toBe(409);
    expect(other.body.code).toBe("IDEMPOTENCY_MISMATCH");
    expect((await create({ name: "once", seed: 3 }, { "idempotency-key": "another" })).body.id).not.toBe(first.body.id);
  });

  test("an idempotency key belongs to its API key", async () => {
    const headers = { "idempotency-key": "shared" };
    const mine = await create({ name: "mine" }, headers);
    const { key } = await api.store.createApiKey("neighbour");
    const theirs = await create({ name: "theirs" }, { ...headers, authorization: `Bearer ${key}` });
    expect(theirs.status).toBe(201);
    expect(theirs.body.id).not.toBe(mine.body.id);
  });

  test("twenty equal requests at once make one search", async () => {
    const headers = { "idempotency-key": "twenty" };
    const answers = await Promise.all(Array.from({ length: 20 }, () => create({ name: "one of twenty" }, headers)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers["idempotent-replayed"] === undefined)).toHaveLength(1);
    const rows = await api.database.query("SELECT id FROM searches WHERE name = 'one of twenty'");
    expect(rows).toHaveLength(1);
  });

  test.each(["", "a b", "ü", "x".repeat(256)])("idempotency key %j is refused", async (key) => {
    const answer = await create({}, { "idempotency-key": key });
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].pointer).toBe("/idempotency-key");
  });

  test("what a person writes in a name comes back as it was written", async () => {
    for (const name of [
      '<script>alert("1")</script>',
      "=cmd|' /C calc'!A0",
      "a\u202eb\u200b",
      "'; DROP TABLE searches;--",
      "🪶",
    ]) {
      expect((await get(await createId({ name }))).name).toBe(name);
    }
  });
});

describe("listing", () => {
  let ids: string[];
  beforeAll(async () => {
    await api.database.query("UPDATE searches SET deleted_at = now()");
    ids = [];
    for (let i = 0; i < 7; i++) ids.unshift(await createId({ name: `search ${i}` }));
    await api.ask("POST", `/api/v1/searches/${ids[1]}/pause`);
    await api.ask("POST", `/api/v1/searches/${ids[4]}/pause`);
    await api.ask("POST", `/api/v1/searches/${ids[5]}/cancel`);
  });

  async function walk(query: string): Promise<string[][]> {
    const pages: string[][] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const { status, body } = await api.ask("GET", `/api/v1/searches?${query}${cursor && `&cursor=${cursor}`}`);
      expect(status).toBe(200);
      page(searchSummary).parse(body);
      pages.push(body.items.map(({ id }: Search) => id));
      cursor = body.nextCursor;
    }
    return pages;
  }

  test("pages follow each other from the newest to the oldest, none twice and none left out", async () => {
    expect(await walk("limit=3")).toEqual([ids.slice(0, 3), ids.slice(3, 6), ids.slice(6)]);
    expect(await walk("limit=7")).toEqual([ids]);
    expect((await walk("")).flat()).toEqual(ids);
  });

  test("a search that comes in between moves no page", async () => {
    const first = await api.ask("GET", "/api/v1/searches?limit=3");
    const late = await createId({ name: "late" });
    const second = await api.ask("GET", `/api/v1/searches?limit=3&cursor=${first.body.nextCursor}`);
    expect(second.body.items.map(({ id }: Search) => id)).toEqual(ids.slice(3, 6));
    await api.ask("DELETE", `/api/v1/searches/${late}`);
  });

  test("states filter, one or several", async () => {
    expect(await walk("state=paused&limit=1")).toEqual([[ids[1]], [ids[4]]]);
    expect((await walk("state=paused,cancelled")).flat()).toEqual([ids[1], ids[4], ids[5]]);
    expect((await walk("state=failed")).flat()).toEqual([]);
  });

  test("a cursor from elsewhere, altered or of another key is refused", async () => {
    const { body } = await api.ask("GET", "/api/v1/searches?limit=2");
    const cursor: string = body.nextCursor;
    const place = (cursor.split(".")[0] ?? "").replace(/^./, "A");
    const { key } = await api.store.createApiKey("neighbour");
    const neighbour = { headers: { authorization: `Bearer ${key}` } };
    const attempts = [
      [`limit=2&cursor=${cursor}x`],
      [`limit=2&cursor=${place}.${cursor.split(".")[1]}`],
      [`limit=2&cursor=${cursor.split(".")[0]}`],
      ["limit=2&cursor=%27%20OR%201%3D1"],
      [`limit=2&state=queued&cursor=${cursor}`],
      [`limit=2&cursor=${cursor}`, neighbour],
    ] as const;
    for (const [query, options] of attempts) {
      const answer = await api.ask("GET", `/api/v1/searches?${query}`, options);
      expect(answer.status, query).toBe(400);
      expect(answer.body.code).toBe("CURSOR_INVALID");
    }
    expect((await api.ask("GET", `/api/v1/searches?limit=5&cursor=${cursor}`)).body.items).toHaveLength(5);
  });

  test.each([
    ["limit=0", "/limit"],
    ["limit=201", "/limit"],
    ["limit=1.5", "/limit"],
    ["limit=ten", "/limit"],
    ["limit=1e400", "/limit"],
    ["limit=1&limit=2", "/limit"],
    ["state=running,nonsense", "/state/1"],
    ["state=", "/state/0"],
    ["cursor=", "/cursor"],
    ["sort=name", "/sort"],
    ["__proto__=1", "/__proto__"],
  ])("the query %s is refused with the place", async (query, pointer) => {
    const answer = await api.ask("GET", `/api/v1/searches?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe("PARAMETER_INVALID");
    expect(answer.body.errors.map((error: { pointer: string }) => error.pointer)).toEqual([pointer]);
  });
});

describe("steering", () => {
  const verbs = ["pause", "resume", "stop", "cancel"] as const;
  const paths: Record<SearchState, readonly string[]> = {
    queued: [],
    running: ["pause", "resume"],
    paused: ["pause"],
    stopping: ["stop"],
    completed: [],
    cancelled: ["cancel"],
    failed: [],
  };
  /** What each verb makes of each state; null where the table has no such edge. */
  const table: Record<SearchState, Record<(typeof verbs)[number], SearchState | null>> = {
    queued: { pause: "paused", resume: "running", stop: "stopping", cancel: "cancelled" },
    running: { pause: "paused", resume: "running", stop: "stopping", cancel: "cancelled" },
    paused: { pause: "paused", resume: "running", stop: "stopping", cancel: "cancelled" },
    stopping: { pause: null, resume: null, stop: "stopping", cancel: "cancelled" },
    completed: { pause: null, resume: null, stop: null, cancel: null },
    cancelled: { pause: null, resume: null, stop: null, cancel: "cancelled" },
    failed: { pause: null, resume: null, stop: null, cancel: null },
  };

  async function bring(state: SearchState): Promise<string> {
    const id = await createId({ name: state });
    for (const verb of paths[state]) await api.ask("POST", `/api/v1/searches/${id}/${verb}`);
    if (state === "completed" || state === "failed") {
      await propose(api.store, id, [], { end: { state, reason: null } });
    }
    expect((await get(id)).state).toBe(state);
    return id;
  }

  test.each(Object.keys(table) as SearchState[])(
    "every verb does with a %s search what the table says",
    async (state) => {
      for (const verb of verbs) {
        const id = await bring(state);
        const answer = await api.ask("POST", `/api/v1/searches/${id}/${verb}`);
        const expected = table[state][verb];
        if (expected === null) {
          expect(answer.status, verb).toBe(409);
          expect(answer.body.detail).toContain(`is ${state}`);
          expect((await get(id)).state).toBe(state);
        } else {
          expect(answer.status, verb).toBe(200);
          expect(searchSchema.parse(answer.body).state).toBe(expected);
        }
      }
    },
  );

  test("a verb takes an empty object or nothing as its body", async () => {
    const id = await createId();
    expect((await api.ask("POST", `/api/v1/searches/${id}/pause`, { payload: {} })).status).toBe(200);
    const odd = await api.ask("POST", `/api/v1/searches/${id}/pause`, { payload: { force: true } });
    expect(odd.status).toBe(422);
    expect(odd.body.errors[0].pointer).toBe("/force");
  });

  test("a deleted search is gone, and what ran in it is cancelled", async () => {
    const id = await createId();
    await propose(api.store, id, [proposal("of a deleted search")]);
    expect((await api.ask("DELETE", `/api/v1/searches/${id}`)).status).toBe(204);
    for (const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["POST", "/pause"],
      ["GET", "/candidates"],
      ["GET", "/candidates/0"],
      ["GET", "/candidates/0/export"],
      ["GET", "/front"],
      ["GET", "/hypervolume"],
    ] as const) {
      const answer = await api.ask(method, `/api/v1/searches/${id}${path}`);
      expect(answer.status, path).toBe(404);
      expect(answer.body.code).toBe("SEARCH_NOT_FOUND");
    }
    const rows = await api.database.query("SELECT DISTINCT state FROM evaluations WHERE search_id = $1", [id]);
    expect(rows).toEqual([{ state: "cancelled" }]);
  });

  test.each(["nothere00000", "..", "%2e%2e%2f", "a'b", "A", "%00", "x".repeat(65), "x".repeat(5000)])(
    "search %s is not found",
    async (id) => {
      const answer = await api.ask("GET", `/api/v1/searches/${id}`);
      expect(answer.status).toBe(404);
      expect(answer.headers["content-type"]).toContain("application/problem+json");
    },
  );
});

describe("progress", () => {
  test("counts, best values, rate and forecast follow the candidates; known designs stand apart", async () => {
    const id = await createId({ budget: { candidates: 10 }, objectives: [{ name: "score" }, { name: "stateBytes" }] });
    const { waiting } = await propose(api.store, id, [
      proposal("known", { knownDesign: "mamba", stateBytes: 1 }),
      proposal("a", { stateBytes: 500 }),
      proposal("b", { stateBytes: 700, feasible: false }),
      proposal("c", { pruned: "too large", evaluations: [] }),
      proposal("d"),
    ]);
    await finishAll(api.store, waiting.slice(0, 6), 0.25);
    await api.database.query("UPDATE searches SET active_since = now() - interval '100 s' WHERE id = $1", [id]);
    const found = searchSchema.parse(await get(id));
    expect(found.candidates).toEqual({ waiting: 1, running: 0, complete: 2, pruned: 1, failed: 0, cancelled: 0 });
    expect(found.evaluations).toMatchObject({ waiting: 2, complete: 6 });
    expect(found.knownDesigns).toBe(1);
    expect(found.best).toEqual({ score: 0.25, stateBytes: 500 });
    // Three proposals and the known design in 100 s; seven proposals are left.
    expect(found.elapsedSeconds).toBeCloseTo(100, 0);
    expect(found.candidatesPerHour).toBeCloseTo((4 / 100) * 3600, -1);
    expect(found.etaSeconds).toBeCloseTo((7 / 4) * 100, -1);
  });
});

describe("changing a search that runs", () => {
  const change = (id: string, payload: object) => api.ask("PATCH", `/api/v1/searches/${id}`, { payload });

  test("what is said changes, what is not said stays, null takes a limit away", async () => {
    const id = await createId({ budget: { candidates: 10, wallSeconds: 60 }, concurrency: 2 });
    const changed = await change(id, { budget: { candidates: 20, evaluations: 300 }, concurrency: null });
    expect(changed.status).toBe(200);
    expect(searchSchema.parse(changed.body)).toEqual(changed.body);
    expect(changed.body.config).toMatchObject({
      budget: { candidates: 20, evaluations: 300, wallSeconds: 60, deviceSeconds: null, flops: null },
      concurrency: null,
    });
    expect((await change(id, { budget: { wallSeconds: null } })).body.budget.wallSeconds).toBeNull();
    expect((await change(id, {})).body.config).toEqual((await get(id)).config);
  });

  test("a larger budget is used, and more at once are let through", async () => {
    const id = await createId({ budget: { candidates: 1 }, concurrency: 1 });
    const { waiting } = await propose(api.store, id, [proposal(`${id} one`)]);
    await expect(propose(api.store, id, [proposal(`${id} two`)])).rejects.toThrow("0 left");
    expect(await api.store.leaseEvaluation(waiting[0]!, "a", 30)).not.toBeNull();
    expect(await api.store.leaseEvaluation(waiting[1]!, "b", 30)).toBeNull();
    await change(id, { budget: { candidates: 2 }, concurrency: 2 });
    expect(await api.store.leaseEvaluation(waiting[1]!, "b", 30)).not.toBeNull();
    await propose(api.store, id, [proposal(`${id} two`)]);
  });

  test("no budget goes below what is spent or reserved", async () => {
    const id = await createId();
    await propose(api.store, id, [proposal(`${id} a`), proposal(`${id} b`)]);
    const refused = await change(id, { budget: { candidates: 1, evaluations: 3, flops: 1e9 } });
    expect(refused).toMatchObject({ status: 422, body: { code: "REQUEST_INVALID" } });
    expect(refused.body.errors).toEqual([
      { pointer: "/budget/candidates", detail: "1 is below what is spent or reserved already: 2" },
      { pointer: "/budget/evaluations", detail: "3 is below what is spent or reserved already: 4" },
      { pointer: "/budget/flops", detail: "1000000000 is below what is spent or reserved already: 4000000000" },
    ]);
    expect((await change(id, { budget: { candidates: 2, evaluations: 4, flops: 4e9 } })).status).toBe(200);
  });

  test.each([
    [{ budget: { candidates: null } }, "/budget/candidates"],
    [{ budget: { evaluations: 0 } }, "/budget/evaluations"],
    [{ concurrency: 1.5 }, "/concurrency"],
    [{ seed: 3 }, "/seed"],
    [{ budget: { epochs: 3 } }, "/budget/epochs"],
  ])("%j is refused at its place", async (payload, pointer) => {
    const { status, body } = await change(await createId(), payload);
    expect({ status, pointers: body.errors.map((error: { pointer: string }) => error.pointer) }).toEqual({
      ...{ status: 422, pointers: [pointer] },
    });
  });

  test("one that stops or has ended is not changed, and one that is not there is not found", async () => {
    const id = await createId();
    await propose(api.store, id, []);
    await api.store.changeSearchState(id, "stopping");
    expect((await change(id, {})).body).toMatchObject({ status: 409, code: "SEARCH_STATE_CONFLICT" });
    await api.store.changeSearchState(id, "cancelled");
    expect((await change(id, {})).body).toMatchObject({ status: 409, code: "SEARCH_FINISHED" });
    expect((await change("nosuchsearch", {})).status).toBe(404);
  });
});

describe("comparing searches", () => {
  const compare = (...ids: string[]) => api.ask("GET", `/api/v1/searches/compare?ids=${ids.join(",")}`);

  test("answers for each its front, its hypervolume and what it covers", async () => {
    const objectives = [{ name: "score" }, { name: "parameters" }];
    const [a, b] = [
      await createId({ objectives }),
      await createId({ objectives: [...objectives, { name: "stateBytes" }] }),
    ];
    const plant = async (id: string, scores: number[], parameters: number) => {
      for (const score of scores) {
        const { waiting } = await propose(api.store, id, [proposal(`${id} ${score}`, { parameters })]);
        await finishAll(api.store, waiting, score);
      }
    };
    await plant(a, [0.5, 0.75], 1000);
    await plant(b, [0.75, 0.625], 900);
    const { status, body } = await compare(a, b);
    expect(status).toBe(200);
    expect(comparisonSchema.parse(body)).toEqual(body);
    expect(body.objectives.map(({ name }: { name: string }) => name)).toEqual(["score", "parameters"]);
    const [first, second] = body.searches;
    expect(first).toMatchObject({ id: a, covers: { [b]: 0 }, front: [{ number: 1, dominatedBy: [b] }] });
    expect(second).toMatchObject({ id: b, covers: { [a]: 1 }, front: [{ number: 0, dominatedBy: [] }] });
    // One point each: the box from it to a score of 0 and the reference, of a box that begins at nothing.
    const edge = body.referencePoint.parameters;
    expect(first.hypervolume).toBeCloseTo(0.75 * (1 - 1000 / edge), 12);
    expect(second.hypervolume).toBeCloseTo(0.75 * (1 - 900 / edge), 12);
  });

  test("one search, the same twice, no shared objective, or one that is not there are told apart", async () => {
    const a = await createId({ objectives: [{ name: "score" }] });
    const b = await createId({ objectives: [{ name: "parameters" }] });
    expect((await compare(a)).status).toBe(400);
    expect((await compare(a, a)).status).toBe(400);
    expect((await compare(a, "nosuchsearch")).body).toMatchObject({ code: "SEARCH_NOT_FOUND" });
    expect((await compare(a, b)).body).toMatchObject({
      status: 400,
      detail: `the searches share no objective (${a}: score; ${b}: parameters)`,
    });
  });
});
