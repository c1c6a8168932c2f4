// Event streams over real sockets.
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startApi } from "../../services/api/server.ts";
import { silentLog } from "../../services/platform/log.ts";
import { openTestApi, type TestApi, testConfig } from "./api.ts";
import { until } from "./until.ts";

let api: TestApi;
let base: string;
const streams: EventStream[] = [];

beforeAll(async () => {
  api = await openTestApi({ config: { eventStreams: 5 } });
  base = await api.app.listen({ port: 0, host: "127.0.0.1" });
});
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.end();
  await until(async () => (await openStreams()) === 0);
});
afterAll(() => api?.close());

const openStreams = async () =>
  Number(/^starling_event_streams (\d+)$/m.exec((await api.ask("GET", "/metrics")).text)?.[1]);

interface Received {
  readonly id: number;
  readonly type: string;
  readonly data: { type: string; searchId: string | null; data: Record<string, unknown> };
}

interface EventStream {
  readonly status: number;
  readonly headers: Headers;
  readonly events: Received[];
  /** The id without data that opens the stream. */
  readonly from: () => number | undefined;
  readonly ended: () => boolean;
  end(): void;
}

async function follow(query = "", headers: Record<string, string> = {}, address = base): Promise<EventStream> {
  const abort = new AbortController();
  const answer = await fetch(`${address}/api/v1/events${query}`, {
    headers: { authorization: `Bearer ${api.key}`, ...headers },
    signal: abort.signal,
  });
  const events: Received[] = [];
  let from: number | undefined;
  let ended = false;
  const read = async () => {
    let rest = "";
    for await (const chunk of answer.body ?? []) {
      const parts = (rest + Buffer.from(chunk).toString()).split("\n\n");
      rest = parts.pop() ?? "";
      for (const part of parts) {
        const fields = new Map(part.split("\n").map((line) => [line.split(":", 1)[0], line.replace(/^[^:]*: ?/, "")]));
        const data = fields.get("data");
        if (data === undefined) from ??= Number(fields.get("id") ?? Number.NaN);
        else events.push({ id: Number(fields.get("id")), type: fields.get("event") ?? "", data: JSON.parse(data) });
      }
    }
  };
  read()
    .catch(() => undefined)
    .finally(() => {
      ended = true;
    });
  const stream = {
    ...{ status: answer.status, headers: answer.headers, events },
    from: () => from,
    ended: () => ended,
    end: () => abort.abort(),
  };
  streams.push(stream);
  if (answer.ok) await until(() => from !== undefined);
  return stream;
}

const create = async (name: string): Promise<string> =>
  (await api.ask("POST", "/api/v1/searches", { payload: { name } })).body.id;
const idsOf = (stream: EventStream) => stream.events.map(({ id }) => id);
const allIds = async () =>
  (await api.database.query<{ id: string }>("SELECT id FROM events ORDER BY id")).map(({ id }) => Number(id));

describe("a stream", () => {
  test("tells what happens, with number, type and data, from now on", async () => {
    await create("before");
    const stream = await follow();
    expect(stream.status).toBe(200);
    expect(stream.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(stream.headers.get("cache-control")).toBe("no-store");
    expect(stream.headers.get("x-content-type-options")).toBe("nosniff");
    const id = await create("after");
    await api.ask("POST", `/api/v1/searches/${id}/pause`);
    await until(() => stream.events.length >= 2);
    expect(stream.events.map(({ type }) => type)).toEqual(["search.created", "search.changed"]);
    expect(stream.events[0]).toMatchObject({ type: "search.created", data: { searchId: id, data: { name: "after" } } });
    expect(stream.events[1]?.data.data).toMatchObject({ from: "queued", state: "paused" });
    expect(idsOf(stream)).toEqual((await allIds()).slice(-2));
  });

  test("resumes after Last-Event-ID: first what was missed, then what happens, none twice", async () => {
    const first = await follow();
    await create("seen");
    await until(() => first.events.length === 1);
    const lastSeen = first.events[0]?.id ?? 0;
    first.end();
    for (let i = 0; i < 30; i++) await create(`missed ${i}`);
    const making = (async () => {
      for (let i = 0; i < 30; i++) await create(`meanwhile ${i}`);
    })();
    const second = await follow("", { "last-event-id": String(lastSeen) });
    await making;
    await create("live");
    await until(() => second.events.at(-1)?.data.data.name === "live");
    expect(idsOf(second)).toEqual((await allIds()).filter((id) => id > lastSeen));
  });

  test("opens with its place, so that a client that saw no event yet resumes there", async () => {
    const stream = await follow();
    expect(stream.from()).toBe((await allIds()).at(-1) ?? 0);
    await create("one");
    const again = await follow("", { "last-event-id": String(stream.from()) });
    await until(() => again.events.length === 1);
  });

  test("can begin after a number in the address; the header goes before it", async () => {
    const place = (await allIds()).at(-1) ?? 0;
    for (let i = 0; i < 3; i++) await create(`search ${i}`);
    const ids = (await allIds()).slice(-3);
    const stream = await follow(`?after=${place}`);
    await until(() => stream.events.length === 3);
    const other = await follow(`?after=${place}`, { "last-event-id": String(ids[1]) });
    await until(() => other.events.length === 1);
    expect(idsOf(other)).toEqual(ids.slice(2));
  });

  test("a number from the future (another database) means from now on", async () => {
    const stream = await follow("", { "last-event-id": "999999999" });
    await create("now");
    await until(() => stream.events.length === 1);
  });

  test("of one search tells only of that search, whatever else happens", async () => {
    const [a, b] = [await create("a"), await create("b")];
    const stream = await follow(`?searchId=${b}&after=0`);
    for (let i = 0; i < 3; i++) {
      await api.ask("POST", `/api/v1/searches/${a}/pause`);
      await api.ask("POST", `/api/v1/searches/${b}/pause`);
      await api.ask("POST", `/api/v1/searches/${a}/resume`);
      await api.ask("POST", `/api/v1/searches/${b}/resume`);
    }
    await until(() => stream.events.length === 7);
    await sleep(100);
    expect(stream.events.map(({ data }) => data.searchId)).toEqual(Array(7).fill(b));
  });

  test("survives a lost notice: the database's connection that listens is cut", async () => {
    const stream = await follow();
    const cut = () =>
      api.database.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()",
      );
    await cut();
    await create("while deaf");
    await until(() => stream.events.length === 1);
    expect(stream.ended()).toBe(false);
  });
});

describe("limits", () => {
  test("more streams than configured are refused, and a place that becomes free is given away", async () => {
    const open: EventStream[] = [];
    for (let i = 0; i < 5; i++) open.push(await follow());
    const refused = await follow();
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("10");
    expect(await openStreams()).toBe(5);
    open[0]?.end();
    await until(async () => (await openStreams()) === 4);
    expect((await follow()).status).toBe(200);
  });

  test("a client that does not read is dropped, and the others go on", async () => {
    const stream = await follow();
    const deaf = await stall("?after=0");
    expect(await openStreams()).toBe(2);
    // Far more than the buffers of two sockets and the stream's own hold.
    const text = "x".repeat(100_000);
    await api.database.query(
      "INSERT INTO events (type, data) SELECT 'search.changed', jsonb_build_object('text', $1::text) FROM generate_series(1, 200)",
      [text],
    );
    await create("a notice");
    await until(() => stream.events.length === 201);
    await until(async () => (await openStreams()) === 1);
    deaf.destroy();
  });

  test.each(["x", "-1", "1.5", "9".repeat(16), "1 OR 1"])("Last-Event-ID %j is refused", async (id) => {
    const answer = await follow("", { "last-event-id": id });
    expect(answer.status).toBe(400);
  });

  test.each(["after=-1", "after=x", "searchId=", "apiKey=x", "after=1e400"])(
    "the query %s is refused",
    async (query) => {
      expect((await follow(`?${query}`)).status).toBe(400);
    },
  );
});

describe("who may listen", () => {
  test("nobody without a key, and none in the address", async () => {
    for (const address of [`${base}/api/v1/events`, `${base}/api/v1/events?token=${api.key}`]) {
      expect((await fetch(address)).status).toBe(401);
    }
  });

  test("a browser with a session", async () => {
    const answer = await fetch(`${base}/api/v1/session`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ apiKey: api.key }),
    });
    const cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? "";
    const stream = await fetch(`${base}/api/v1/events`, { headers: { cookie } });
    expect(stream.status).toBe(200);
    await stream.body?.cancel();
  });
});

test("a heartbeat comes within 15 seconds, and ends the streams of a key that was revoked", async () => {
  const revoked = await api.store.createApiKey("to be revoked");
  const stream = await follow("", { authorization: `Bearer ${revoked.key}` });
  const other = await fetch(`${base}/api/v1/events`, { headers: { authorization: `Bearer ${api.key}` } });
  await api.store.revokeApiKey(revoked.id);
  let text = "";
  for await (const chunk of other.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (/^:$/m.test(text)) break;
  }
  await until(() => stream.ended(), 2000);
});

test("closing the server ends its streams, answers what was asked, and waits for nobody else", async () => {
  const { store, queues } = api;
  const server = await startApi({ config: { ...testConfig, port: 0 }, store, queues, log: silentLog });
  const stream = await follow("", {}, server.url);
  const deaf = await stall("", server.port);
  const unused = connect({ port: server.port, host: "127.0.0.1" });
  const asking = connect({ port: server.port, host: "127.0.0.1" });
  asking.write(
    `POST /api/v1/searches HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${api.key}\r\n` +
      "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{",
  );
  await sleep(200);
  const start = performance.now();
  const closed = server.close();
  await sleep(50);
  asking.write("}");
  let answer = "";
  for await (const data of asking) answer += data;
  expect(answer).toMatch(/^HTTP\/1.1 201 /);
  await closed;
  expect(performance.now() - start).toBeLessThan(5000);
  await until(() => stream.ended());
  deaf.destroy();
  unused.destroy();
});

/** Asks for a stream and reads no more of it than its beginning. */
async function stall(query: string, port = Number(new URL(base).port)): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  socket.write(`GET /api/v1/events${query} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${api.key}\r\n\r\n`);
  await new Promise((resolve) => socket.once("readable", resolve));
  return socket;
}
