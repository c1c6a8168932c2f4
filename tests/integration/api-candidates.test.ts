// Candidates, fronts, hypervolume, palette, workers and metrics over HTTP.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { genomeFromJson } from "../../genome/index.ts";
import { buildApp } from "../../services/api/app.ts";
import {
  type Candidate,
  candidateDetail,
  candidate as candidateSchema,
  exportedGenome,
  front as frontSchema,
  hypervolume as hypervolumeSchema,
  operatorInfo,
  page,
  worker as workerSchema,
} from "../../services/api/schemas.ts";
import { silentLog } from "../../services/platform/log.ts";
import type { Store } from "../../services/platform/store/store.ts";
import { inject, openTestApi, type TestApi, testConfig } from "./api.ts";
import { lease, proposal, propose, scored } from "./store.ts";

let api: TestApi;
let id: string;
const url = (path: string) => `/api/v1/searches/${id}${path}`;
const genome = "11111-91111-[18]1111{heads=8}-91111";

/** Number, score (null: still waiting), state bytes, feasible, known design. */
const planted: [number, number | null, number, boolean, string | null][] = [
  [0, 0.6, 4000, true, "transformer++"],
  [1, 0.3, 9000, true, "hyena"],
  [2, 0.5, 1000, true, null],
  [3, 0.9, 8000, true, null],
  [4, 0.9, 9000, true, null],
  [5, 1.0, 1, false, null],
  [6, 0.2, 500, true, null],
  [7, null, 10, true, null],
  [8, 0.5, 1000, true, null],
];

beforeAll(async () => {
  api = await openTestApi();
  const payload = {
    name: "../../etc; <b>",
    seed: 12,
    objectives: [{ name: "score" }, { name: "stateBytes" }],
    space: { contextLength: 64 },
  };
  id = (await api.ask("POST", "/api/v1/searches", { payload })).body.id;
  const proposals = planted.map(([number, , stateBytes, feasible, knownDesign]) =>
    proposal(`p${number}`, {
      ...{ genome, stateBytes, feasible, knownDesign, parameters: 100 - number },
      parents: number === 3 ? [0, 2] : number === 4 ? [2] : [],
      variation: { kind: number === 3 ? "crossover" : "sampled" },
    }),
  );
  const { waiting } = await propose(api.store, id, proposals, { referencePoint: { score: 0, stateBytes: 10_000 } });
  const curve = [{ step: 20, trainLoss: 1.5, testLoss: 1.25, testAccuracy: 0.5 }];
  for (const evaluation of waiting) {
    const score = planted[Number(evaluation.split("-")[1])]?.[1];
    if (score == null) continue;
    await api.store.finishEvaluation(await lease(api.store, evaluation), scored(score, { curve }));
  }
  await propose(api.store, id, [], { hypervolumes: new Map(planted.map(([number]) => [number, number / 10])) });
});
afterAll(() => api?.close());

describe("the list of candidates", () => {
  const numbers = async (query: string): Promise<number[]> => {
    const found: number[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const { status, body } = await api.ask("GET", url(`/candidates?${query}${cursor && `&cursor=${cursor}`}`));
      expect(status, query).toBe(200);
      found.push(
        ...page(candidateSchema)
          .parse(body)
          .items.map(({ number }) => number),
      );
      cursor = body.nextCursor;
    }
    return found;
  };
  const sorted = (key: (row: (typeof planted)[number]) => number | null, sign: 1 | -1) =>
    [...planted]
      .sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        if (x === null || y === null) return x === y ? a[0] - b[0] : x === null ? 1 : -1;
        return sign * (x - y) || a[0] - b[0];
      })
      .map(([number]) => number);

  test.each([1, 2, 4, 200])("pages of %i, in every order, show each candidate once", async (limit) => {
    expect(await numbers(`limit=${limit}`)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await numbers(`limit=${limit}&sort=-number`)).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(await numbers(`limit=${limit}&sort=score`)).toEqual(sorted((row) => row[1], 1));
    expect(await numbers(`limit=${limit}&sort=-score`)).toEqual(sorted((row) => row[1], -1));
    expect(await numbers(`limit=${limit}&sort=stateBytes`)).toEqual(sorted((row) => row[2], 1));
    expect(await numbers(`limit=${limit}&sort=-parameters`)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("states filter", async () => {
    expect(await numbers("state=waiting")).toEqual([7]);
    expect(await numbers("state=complete&sort=-number&limit=3")).toEqual([8, 6, 5, 4, 3, 2, 1, 0]);
    expect(await numbers("state=failed,pruned")).toEqual([]);
  });

  test("a cursor of one order is worth nothing in another", async () => {
    const { body } = await api.ask("GET", url("/candidates?limit=2&sort=score"));
    for (const query of ["limit=2&sort=-score", "limit=2", "limit=2&sort=score&state=complete"]) {
      const answer = await api.ask("GET", url(`/candidates?${query}&cursor=${body.nextCursor}`));
      expect(answer.body.code, query).toBe("CURSOR_INVALID");
    }
  });

  test.each(["sort=name", "sort=id;drop", "sort=--score", "state=alive", "limit=-1", "offset=3"])(
    "%s is refused",
    async (query) => expect((await api.ask("GET", url(`/candidates?${query}`))).status).toBe(400),
  );
});

describe("one candidate", () => {
  test("comes with lineage, costs of each position, evaluations and curves", async () => {
    const { status, body } = await api.ask("GET", url("/candidates/2"));
    expect(status).toBe(200);
    const found = candidateDetail.parse(body);
    expect(found).toEqual(body);
    expect(found.children).toEqual([3, 4]);
    expect(found.shape).toEqual({ width: 32, length: 32 });
    expect(found.costs.map(({ operator }) => operator)).toEqual([
      ...["attention", "swiglu", "sliding-attention", "swiglu"],
    ]);
    // Keys and values of 64 tokens, 32 wide, in bf16.
    expect(found.costs[0]?.stateBytes).toBe(2 * 32 * 64 * 2);
    expect(found.evaluations.map(({ task }) => task)).toEqual(["compression", "memorization"]);
    expect(found.evaluations[0]?.curve).toEqual([{ step: 20, trainLoss: 1.5, testLoss: 1.25, testAccuracy: 0.5 }]);
    expect(found.taskScores).toEqual({ compression: 0.5, memorization: 0.5 });
    expect((await api.ask("GET", url("/candidates/3"))).body).toMatchObject({
      ...{ parents: [0, 2], variation: { kind: "crossover" }, children: [] },
    });
  });

  test.each(["9", "-1", "1.0", "01", "1e1", "x", "2147483648", "99999999999999999999", "%2e%2e"])(
    "candidate %s is not found",
    async (number) => {
      for (const path of [`/candidates/${number}`, `/candidates/${number}/export`]) {
        expect((await api.ask("GET", url(path))).status).toBe(404);
      }
    },
  );

  test("is exported as a file whose name no person chose, and reads back as the same genome", async () => {
    const { status, headers, body } = await api.ask("GET", url("/candidates/3/export"));
    expect(status).toBe(200);
    expect(headers["content-disposition"]).toBe(`attachment; filename="starling-${id}-3.json"`);
    const exported = exportedGenome.parse(body);
    expect(exported).toMatchObject({
      ...{ format: "starling-genome", version: 1, genome, score: 0.9, hash: "hash p3" },
      shape: { width: 32, length: 32 },
      costs: { stateBytes: 8000, contextLength: 64 },
      provenance: { searchId: id, searchName: "../../etc; <b>", candidate: 3, seed: 12, recipe: "mad-2024" },
    });
    expect(genomeFromJson({ segments: exported.segments }).segments).toHaveLength(4);
  });
});

describe("the front", () => {
  const numbersOf = (list: Candidate[]) => list.map(({ number }) => number);

  test("is what a comparison of every pair leaves, infeasible ones left out, equal ones kept", async () => {
    const { body } = await api.ask("GET", url("/front"));
    const { front, knownDesigns, objectives } = frontSchema.parse(body);
    const able = planted.filter(([, score, , feasible]) => score !== null && feasible);
    const expected = able.filter(
      ([, score, bytes]) => !able.some(([, s, b]) => s! >= score! && b <= bytes && (s! > score! || b < bytes)),
    );
    expect(numbersOf(front)).toEqual(expected.map(([number]) => number));
    expect(numbersOf(front)).toEqual([0, 2, 3, 6, 8]);
    expect(numbersOf(knownDesigns)).toEqual([0, 1]);
    expect(front[0]?.knownDesign).toBe("transformer++");
    expect(objectives).toEqual([
      { name: "score", direction: "maximize", limit: null },
      { name: "stateBytes", direction: "minimize", limit: null },
    ]);
  });

  test("is computed anew only once a candidate has finished", async () => {
    let reads = 0;
    const store = counted(api.store, (name) => {
      if (name === "completeCandidates") reads += 1;
    });
    const app = await buildApp({ config: testConfig, store, queues: api.queues, log: silentLog });
    const ask = () =>
      inject(app, { method: "GET", url: url("/front"), headers: { authorization: `Bearer ${api.key}` } });
    await ask();
    await ask();
    expect(reads).toBe(1);
    const [evaluation, other] = await api.store.listWaitingEvaluations({ limit: 9, searchId: id });
    await api.store.finishEvaluation(await lease(api.store, evaluation ?? ""), scored(0.95));
    await ask();
    expect(reads).toBe(1);
    await api.store.finishEvaluation(await lease(api.store, other ?? ""), scored(0.95));
    expect(numbersOf((await ask()).body.front)).toEqual([7]);
    expect(reads).toBe(2);
    await app.close();
  });

  test("of a new search is empty", async () => {
    const fresh = (await api.ask("POST", "/api/v1/searches", { payload: {} })).body.id;
    const { body } = await api.ask("GET", `/api/v1/searches/${fresh}/front`);
    expect(body).toMatchObject({ front: [], knownDesigns: [] });
    expect((await api.ask("GET", `/api/v1/searches/${fresh}/hypervolume`)).body).toEqual({
      ...{ referencePoint: null, points: [] },
    });
  });
});

test("hypervolume comes as a series in the order of telling", async () => {
  const { body } = await api.ask("GET", url("/hypervolume"));
  const { referencePoint, points } = hypervolumeSchema.parse(body);
  expect(referencePoint).toEqual({ score: 0, stateBytes: 10_000 });
  expect(points.map(({ hypervolume }) => hypervolume)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
  expect(points.map(({ trainSeconds }) => trainSeconds)).toEqual([4, 8, 12, 16, 20, 24, 28]);
});

test("the palette lists every operator with its options and defaults among them", async () => {
  const { items } = page(operatorInfo).parse((await api.ask("GET", "/api/v1/operators")).body);
  expect(items).toHaveLength(10);
  for (const { name, options, defaults } of items) {
    for (const [option, value] of Object.entries(defaults))
      expect(options[option], `${name} ${option}`).toContain(value);
  }
});

test("workers show what they hold", async () => {
  const workerId = await api.store.registerWorker({ host: "here", pid: 7, engine: "onnx-cpu", concurrency: 2 });
  const { search } = { search: (await api.ask("POST", "/api/v1/searches", { payload: {} })).body.id };
  const { waiting } = await propose(api.store, search, [proposal("for a worker")]);
  await lease(api.store, waiting[0] ?? "", workerId);
  const { items } = page(workerSchema).parse((await api.ask("GET", "/api/v1/workers")).body);
  expect(items.find((one) => one.id === workerId)).toMatchObject({
    ...{ host: "here", pid: 7, engine: "onnx-cpu", concurrency: 2, state: "online", running: [waiting[0]] },
  });
});

test("answers about searches take the same number of store calls however many there are", async () => {
  let calls: string[] = [];
  const store = counted(api.store, (name) => calls.push(name));
  const app = await buildApp({ config: testConfig, store, queues: api.queues, log: silentLog });
  const headers = { authorization: `Bearer ${api.key}` };
  const callsFor = async (path: string) => {
    calls = [];
    expect((await inject(app, { method: "GET", url: `/api/v1${path}`, headers })).status).toBe(200);
    return calls;
  };
  expect(await callsFor("/searches?limit=1")).toEqual(["verifyApiKey", "listSearches", "searchProgress"]);
  for (let i = 0; i < 5; i++) await api.ask("POST", "/api/v1/searches", { payload: {} });
  expect(await callsFor("/searches?limit=200")).toEqual(["verifyApiKey", "listSearches", "searchProgress"]);
  expect(await callsFor(`/searches/${id}`)).toEqual(["verifyApiKey", "loadSearch", "searchProgress"]);
  await app.close();
});

describe("metrics", () => {
  const read = async () => (await api.ask("GET", "/metrics")).text;
  const value = (text: string, series: string) =>
    Number(
      text
        .split("\n")
        .find((line) => line.startsWith(`${series} `))
        ?.split(" ")
        .at(-1),
    );

  test("count what is in the database and the queue", async () => {
    const text = await read();
    const [row] = await api.database.query<{ count: number }>(
      "SELECT count(*)::int AS count FROM evaluations WHERE state = 'complete'",
    );
    expect(value(text, 'starling_evaluations{state="complete"}')).toBe(row?.count);
    expect(value(text, 'starling_workers{state="online"}')).toBe(1);
    expect(value(text, 'starling_up{part="database"}')).toBe(1);
    expect(value(text, 'starling_up{part="queue"}')).toBe(1);
    expect(text).toMatch(/starling_queue_entries\{queue="advance",state="waiting"\} \d+/);
    expect(text).toMatch(/process_resident_memory_bytes \d+/);
  });

  test("requests are counted by route pattern: no id, name or made-up path becomes a label", async () => {
    await api.ask("GET", "/api/v1/searches/nothere12345");
    await api.ask("GET", "/made/up/by/me");
    await api.ask("GET", "/api/v1/searches/a%20b%22%7D");
    const text = await read();
    expect(text).toContain('route="/api/v1/searches/:id",status="404"');
    expect(text).toContain('route="unknown"');
    expect(text).not.toMatch(/nothere|made|a b|a%20b/);
    expect(text).not.toContain(id);
  });
});

/** The same store, telling which of its functions is called. */
function counted(store: Store, onCall: (name: string) => void): Store {
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const member = target[name];
      if (typeof member !== "function") return member;
      return (...args: never[]) => {
        onCall(name);
        return (member as (...args: never[]) => unknown)(...args);
      };
    },
  });
}
