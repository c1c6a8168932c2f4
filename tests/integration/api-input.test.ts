// What people and attackers may send: every fault has a status, a code and a place, and none is the service's own.

import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildApp } from "../../services/api/app.ts";
import { bodyLimitBytes } from "../../services/api/plugins/bodies.ts";
import { problem } from "../../services/api/schemas.ts";
import { type Answer, inject, openTestApi, type TestApi, testConfig } from "./api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api?.close());

const post = (url: string, payload: string | object | Buffer, headers: Record<string, string> = {}) =>
  api.ask("POST", url, { payload, headers: { "content-type": "application/json", ...headers } });

const pointersOf = ({ body }: Answer): string[] => body.errors.map((error: { pointer: string }) => error.pointer);

describe("a search that makes no sense is refused with the place of each fault", () => {
  const giant = Array.from({ length: 1000 }, () => "11111").join("-");
  const cases: [string, object | string, string[], RegExp?][] = [
    ["a list", [], [""]],
    ["a text", '"search"', [""]],
    ["null", "null", [""]],
    ["an unknown key", { nam: "x" }, ["/nam"], /not known/],
    ["unknown keys at two depths", { a: 1, space: { "b/c": 1 } }, ["/space/b~1c", "/a"]],
    ["a key of an object's prototype", { toString: 1, hasOwnProperty: 2 }, ["/toString", "/hasOwnProperty"]],
    ["a number for a name", { name: 3 }, ["/name"], /expected string.*got 3/],
    ["a blank name", { name: "   " }, ["/name"]],
    ["a name without end", { name: "x".repeat(121) }, ["/name"]],
    ["a text for a number", { seed: "7" }, ["/seed"], /expected number/],
    ["a boolean for a number", { seed: true }, ["/seed"]],
    ["a text for a boolean", { deterministic: "true" }, ["/deterministic"]],
    ["a negative seed", { seed: -1 }, ["/seed"]],
    ["a seed beyond exact integers", '{"seed":9007199254740993}', ["/seed"]],
    ["1e400", '{"objectives":[{"name":"score","limit":1e400}]}', ["/objectives/0/limit"]],
    ["-1e400", '{"budget":{"wallSeconds":-1e400}}', ["/budget/wallSeconds"]],
    ["a fraction of a candidate", { budget: { candidates: 1.5 } }, ["/budget/candidates"]],
    ["no candidates", { budget: { candidates: 0 } }, ["/budget/candidates"]],
    ["no objectives", { objectives: [] }, ["/objectives"]],
    ["an objective twice", { objectives: [{ name: "score" }, { name: "score" }] }, ["/objectives"], /twice/],
    [
      "the score of a task that is not trained",
      { tasks: ["memorization"], objectives: [{ name: "score:memorization" }, { name: "score:compression" }] },
      ["/objectives/1/name"],
      /score:compression is of a task that is not trained/,
    ],
    ["a measured time without a limit", { objectives: [{ name: "stepMs" }] }, ["/objectives/0/limit"], /milliseconds/],
    [
      "a rung with a task that is not trained",
      { tasks: ["memorization"], fidelity: { rungs: [{ tasks: ["memorization", "compression"] }] } },
      ["/fidelity/rungs/0/tasks/1"],
      /compression is not among the tasks/,
    ],
    ["rungs that are none", { fidelity: { rungs: [] } }, ["/fidelity/rungs"]],
    ["more than the whole training", { fidelity: { rungs: [{ steps: 1.5 }] } }, ["/fidelity/rungs/0/steps"]],
    ["an unknown objective", { objectives: [{ name: "beauty" }] }, ["/objectives/0/name"], /got "beauty"/],
    ["an unknown operator", { space: { operators: ["attention", "resnet"] } }, ["/space/operators/1"], /got "resnet"/],
    ["no operators", { space: { operators: [] } }, ["/space/operators"]],
    ["an operator twice", { space: { operators: ["mamba", "mamba"] } }, ["/space/operators/1"], /twice/],
    ["a task twice", { tasks: ["compression", "memorization", "compression"] }, ["/tasks/2"], /twice/],
    ["a known design twice", { knownDesigns: ["hyena", "hyena"] }, ["/knownDesigns/1"], /twice/],
    ["width 0", { space: { width: 0 } }, ["/space/width"]],
    ["a negative width", { space: { width: -128 } }, ["/space/width"]],
    ["a fractional width", { space: { width: 64.5 } }, ["/space/width"]],
    ["a depth of 2^31", { space: { depth: 2 ** 31 } }, ["/space/depth"]],
    ["a context of 2^31", { space: { contextLength: 2 ** 31 } }, ["/space/contextLength"]],
    ["an unknown algorithm", { algorithm: { name: "magic" } }, ["/algorithm/name"]],
    ["an option of another algorithm", { algorithm: { name: "random", population: 4 } }, ["/algorithm/population"]],
    ["a probability of 2", { algorithm: { name: "nsga2", mutationRate: 2 } }, ["/algorithm/mutationRate"]],
    ["only elites", { algorithm: { name: "nsga2", population: 4, elitism: 4 } }, ["/algorithm/elitism"], /no place/],
    ["an unknown profile", { profile: "huge" }, ["/profile"]],
    [
      "a pair layout without channel mixers",
      { space: { layout: "pairs", operators: ["mamba"] } },
      ["/space/operators"],
    ],
    ["a genome of 1000 operators", { warmStart: ["11111", giant] }, ["/warmStart/1"]],
    ["an empty genome", { warmStart: [""] }, ["/warmStart/0"]],
    ["a genome that is no text", { warmStart: ["11111-91111-11111-9111"] }, ["/warmStart/0"], /five integers/],
    ["a genome of an unknown class", { warmStart: ["[77]1111-91111-11111-91111"] }, ["/warmStart/0"], /class 77/],
    ["a genome of a reserved class", { warmStart: ["21111-91111-11111-91111"] }, ["/warmStart/0"], /reserved/],
    ["a genome of another depth", { warmStart: ["11111-91111"] }, ["/warmStart/0"], /2 segments.*depth 4/],
    [
      "a genome with an operator outside the space",
      { space: { operators: ["mamba", "mlp"] }, warmStart: ["51111-91111-51111-[22]1111"] },
      ["/warmStart/0"],
      /segment 2: LIV class 9 may not stand here \(allowed: mamba, mlp\)/,
    ],
    ["three faults at once", { name: 1, seed: -1, profile: 2 }, ["/name", "/seed", "/profile"]],
  ];

  test.each(cases)("%s", async (_, body, pointers, detail) => {
    const answer = await post("/api/v1/searches", body);
    expect(answer.status).toBe(422);
    expect(problem.parse(answer.body)).toMatchObject({ code: "REQUEST_INVALID", status: 422 });
    expect(pointersOf(answer)).toEqual(pointers);
    if (detail) expect(answer.body.errors[0].detail).toMatch(detail);
  });

  test("a width that an operator's heads cannot divide, where the operator was asked for", async () => {
    // Its rotary positions need an even head width, which no number of heads makes of 33.
    const ask = (space: object) => post("/api/v1/searches", { space });
    const answer = await ask({ width: 33, operators: ["mamba", "sliding-attention"] });
    expect(answer.status).toBe(422);
    expect(pointersOf(answer)).toEqual(["/space/operators/1"]);
    expect(answer.body.errors[0].detail).toMatch(/sliding-attention fit width 33/);
    expect((await ask({ width: 64, operators: ["mamba", "sliding-attention"] })).status).toBe(201);
    // Where nothing was asked for, the search does without it.
    expect((await ask({ width: 33 })).status).toBe(201);
  });

  test("a model that no worker could hold", async () => {
    const answer = await post("/api/v1/searches", { space: { width: 4096, depth: 64 } });
    expect(answer.status).toBe(422);
    expect(pointersOf(answer)).toEqual(["/space/width"]);
    expect(answer.body.errors[0].detail).toMatch(/more than 2e\+9/);
  });

  test("at most fifty faults are told", async () => {
    const answer = await post("/api/v1/searches", { warmStart: Array.from({ length: 1000 }, () => 7) });
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toHaveLength(50);
    expect(answer.text.length).toBeLessThan(10_000);
  });
});

describe("checking a genome", () => {
  const check = (payload: object) => post("/api/v1/genomes/check", payload);

  test("text and JSON of one genome give the same answer", async () => {
    const text = await check({ genome: "11111{heads=4}-91111", width: 64, length: 128, contextLength: 100 });
    const json = await check({
      genome: { segments: [{ liv: 1, options: { heads: 4 } }, { liv: 9 }] },
      ...{ width: 64, length: 128, contextLength: 100 },
    });
    expect(text.status).toBe(200);
    expect(json.body).toEqual(text.body);
    // Keys and values of 100 tokens, 64 wide, in bf16.
    expect(text.body.costs.stateBytes).toBe(2 * 64 * 100 * 2);
    expect(text.body.positions.map(({ operator }: { operator: string }) => operator)).toEqual(["attention", "swiglu"]);
  });

  test("mad-lab's attention at width 128 has 66,048 parameters", async () => {
    const { body } = await check({ genome: "11111", profile: "baseline" });
    expect(body.shape).toEqual({ width: 128, length: 256 });
    expect(body.costs.parameters).toBe(66_048);
  });

  test.each([
    ["no genome", {}, "/genome", /./],
    ["a number", { genome: 11111 }, "/genome", /./],
    ["no segments", { genome: { segments: [] } }, "/genome/segments", /./],
    [
      "heads that do not divide the width",
      { genome: "11111", width: 20 },
      "/genome",
      /heads 16 does not divide width 20/,
    ],
    ["a broken text", { genome: "11111+91111" }, "/genome", /at character 6 found "\+91111"/],
    ["an unknown class in JSON", { genome: { segments: [{ liv: 1 }, { liv: 99 }] } }, "/genome/segments/1/liv", /99/],
    [
      "an unknown option",
      { genome: { segments: [{ liv: 1, options: { x: 1 } }] } },
      "/genome/segments/0/options/x",
      /x/,
    ],
    ["an unknown key", { genome: { segments: [{ liv: 1, size: 2 }] } }, "/genome/segments/0", /size/],
    ["a genome of 257 segments", { genome: { segments: Array(257).fill({ liv: 9 }) } }, "/genome/segments", /256/],
    ["a length of 2^31", { genome: "11111", length: 2 ** 31 }, "/length", /./],
    ["width 0", { genome: "11111", width: 0 }, "/width", /./],
  ])("%s is refused", async (_, body, pointer, detail) => {
    const answer = await check(body);
    expect(answer.status).toBe(422);
    expect(pointersOf(answer)).toEqual([pointer]);
    expect(answer.body.errors[0].detail).toMatch(detail);
  });

  test("the largest genome that can be asked about is answered quickly", async () => {
    const start = performance.now();
    const genome = Array.from({ length: 256 }, () => "81111").join("-");
    expect((await check({ genome, width: 4096, length: 1_048_576 })).status).toBe(200);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe("bodies", () => {
  test.each([
    ["nothing", ""],
    ["half", '{"name":'],
    ["two", "{}{}"],
    ["a byte order mark", "\ufeff{}"],
    ["a key twice", '{"seed":1,"seed":2}'],
    ["__proto__", '{"space":{"__proto__":{"depth":9}}}'],
    ["__proto__ in disguise", '{"\\u005f\\u005fproto\\u005f\\u005f":{"polluted":true}}'],
    ["constructor.prototype", '{"constructor":{"prototype":{"polluted":true}}}'],
    ["a hundred thousand brackets", "[".repeat(100_000)],
    ["a hundred thousand closed brackets", `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
    ["NUL", '{"name":"a\\u0000b"}'],
    ["half of a surrogate pair", '{"name":"\\ud800"}'],
    ["NaN", '{"seed":NaN}'],
  ])("a body of %s is 400", async (name, body) => {
    const start = performance.now();
    const answer = await post("/api/v1/searches", body);
    expect(answer.status, name).toBe(name === "nothing" ? 422 : 400);
    if (name !== "nothing") expect(answer.body.code).toBe("BODY_INVALID");
    expect(performance.now() - start).toBeLessThan(1000);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test("bytes that are not UTF-8 are 400", async () => {
    const answer = await post("/api/v1/searches", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]));
    expect(answer.status).toBe(400);
    expect(answer.body.detail).toMatch(/UTF-8/);
  });

  test("a body of exactly the limit is read, one byte more is 413", async () => {
    const filled = (bytes: number) => `{"name":"${"x".repeat(bytes - 11)}"}`;
    expect((await post("/api/v1/searches", filled(bodyLimitBytes))).status).toBe(422);
    const answer = await post("/api/v1/searches", filled(bodyLimitBytes + 1));
    expect(answer.status).toBe(413);
    expect(answer.body.code).toBe("BODY_TOO_LARGE");
  });

  test.each([
    ["application/json", 201],
    ["application/json; charset=utf-8", 201],
    ["Application/JSON;charset=UTF-8", 201],
    [" application/json", 201],
    ["application/json ", 201],
    ["application/json; charset=latin1", 415],
    ["application/json, text/plain", 415],
    ["application/json;", 415],
    ["application/json; boundary=x", 415],
    ["application/jsonx", 415],
    ["application/json\t; charset=utf-8", 415],
    ["text/json", 415],
    ["text/plain", 415],
    ["application/x-www-form-urlencoded", 415],
    ["multipart/form-data; boundary=x", 415],
    ["application/problem+json", 415],
    ["*/*", 415],
    ["", 415],
  ])("content type %j over a socket", async (type, status) => {
    const { answered } = await overSocket(`Content-Type: ${type}\r\n`);
    expect(answered).toBe(status);
  });

  test("a body without a content type is 415", async () => {
    expect((await overSocket("")).answered).toBe(415);
  });

  test("a chunked body without end is cut at the limit", async () => {
    const { port } = await listening();
    const socket = connect(port, "127.0.0.1");
    const head =
      `POST /api/v1/searches HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${api.key}\r\n` +
      "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    socket.write(head);
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    let sent = 0;
    socket.on("error", () => undefined);
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      const more = () => {
        if (sent < 100 * 0x10000 && !socket.destroyed && text === "") {
          sent += 0x10000;
          socket.write(chunk, more);
        }
      };
      socket.on("data", (data) => {
        text += data;
        resolve(text);
      });
      socket.on("close", () => resolve(text));
      more();
    });
    socket.destroy();
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(sent).toBeLessThan(100 * 0x10000);
  });

  test.each([
    ["no HTTP at all", "hello\r\n\r\n", 400, "HTTP_INVALID"],
    [
      "headers without end",
      `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: ${"x".repeat(20_000)}\r\n\r\n`,
      431,
      "HEADERS_TOO_LARGE",
    ],
    [
      "two lengths",
      "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      400,
      "HTTP_INVALID",
    ],
    [
      "a length and chunks",
      "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      400,
      "HTTP_INVALID",
    ],
  ])("%s is answered with a problem too", async (_, bytes, status, code) => {
    const { port } = await listening();
    const socket = connect(port, "127.0.0.1");
    socket.write(bytes);
    let text = "";
    for await (const data of socket) text += data;
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(text).toContain("application/problem+json");
    expect(problem.parse(JSON.parse(text.split("\r\n\r\n")[1] ?? ""))).toMatchObject({ status, code });
  });

  async function overSocket(typeLine: string): Promise<{ answered: number }> {
    const { port } = await listening();
    const socket = connect(port, "127.0.0.1");
    const body = '{"name":"by socket"}';
    socket.write(
      `POST /api/v1/searches HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${api.key}\r\nConnection: close\r\n` +
        `${typeLine}Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    let text = "";
    for await (const data of socket) text += data;
    return { answered: Number(text.split(" ")[1]) };
  }
});

let listen: Promise<unknown> | undefined;
async function listening(): Promise<AddressInfo> {
  listen ??= api.app.listen({ port: 0, host: "127.0.0.1" });
  await listen;
  return api.app.server.address() as AddressInfo;
}

describe("the service's own faults", () => {
  test("are told in constant words; the log has the cause under the same id", async () => {
    const lines: string[] = [];
    const log = pino({ level: "error" }, { write: (line: string) => void lines.push(line) });
    const faults = {
      "secret at 10.1.2.3": () => Promise.reject(new Error("secret at 10.1.2.3")),
      "Response doesn't match the schema": () => Promise.resolve([{ id: 7 } as never]),
    };
    for (const [cause, listWorkers] of Object.entries(faults)) {
      lines.length = 0;
      const store = { ...api.store, listWorkers };
      const app = await buildApp({ config: testConfig, store, queues: api.queues, log });
      const headers = { authorization: `Bearer ${api.key}` };
      const answer = await inject(app, { method: "GET", url: "/api/v1/workers", headers });
      await app.close();
      expect(answer.status).toBe(500);
      expect(problem.parse(answer.body)).toMatchObject({
        ...{ status: 500, code: "INTERNAL", title: "The service failed to answer" },
        detail: "The service failed to answer. The log has more under this request id.",
      });
      expect(lines).toHaveLength(1);
      expect(JSON.parse(lines[0] ?? "").requestId).toBe(answer.body.requestId);
      expect(lines[0]).toContain(cause);
    }
  });
});

describe("the OpenAPI document", () => {
  test("is 3.1, names every route of the API, and every reference in it leads somewhere", async () => {
    const { body } = await api.ask("GET", "/docs/json");
    expect(body.openapi).toMatch(/^3\.1\./);
    const documented = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes = api.app.routeTable
      .filter(({ method, url }) => method !== "HEAD" && /^\/(api|healthz|readyz|metrics)/.test(url))
      .map(({ method, url }) => `${method} ${url.replace(/:(\w+)/g, "{$1}")}`);
    expect(new Set(documented)).toEqual(new Set(routes));
    const references = JSON.stringify(body).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g);
    for (const [, name] of references) expect(body.components.schemas).toHaveProperty(name ?? "");
    for (const [path, methods] of Object.entries(body.paths as Record<string, Record<string, Operation>>)) {
      for (const [method, operation] of Object.entries(methods)) {
        expect(operation.summary, `${method} ${path}`).toBeTruthy();
        expect(operation.responses).toHaveProperty("default");
        const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        const described = (operation.parameters ?? []).filter((one) => one.in === "path").map((one) => one.name);
        expect(new Set(described)).toEqual(new Set(named));
      }
    }
  });

  test("is served as a page and as YAML too", async () => {
    expect((await api.ask("GET", "/docs")).headers.location).toBe("docs/");
    expect((await api.ask("GET", "/docs/")).text).toContain("swagger-ui");
    expect((await api.ask("GET", "/docs/yaml")).text).toMatch(/^openapi: 3\.1/);
  });
});

interface Operation {
  summary?: string;
  parameters?: { in: string; name: string; schema: unknown }[];
  requestBody?: unknown;
  responses: object;
}

describe("whatever is sent", () => {
  /** A small generator with a state of its own, so that a failure can be had again. */
  function numbers(seed: number): () => number {
    let state = seed >>> 0;
    return () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
  }

  test("the service itself never fails: 600 requests from the OpenAPI document", { timeout: 120_000 }, async () => {
    const { body: document } = await api.ask("GET", "/docs/json");
    const next = numbers(20);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
    const ids: string[] = [(await api.ask("POST", "/api/v1/searches", { payload: {} })).body.id];
    const hostile = [
      ...[
        "",
        " ",
        "0",
        "-1",
        "1e400",
        "NaN",
        "null",
        "true",
        "[]",
        "{}",
        "..",
        "../../etc/passwd",
        "%",
        "%00",
        "\u0000",
      ],
      ...[
        "'; DROP TABLE searches; --",
        '" OR ""="',
        "<script>",
        "$(id)",
        "{{7*7}}",
        "__proto__",
        "constructor",
        "x".repeat(600),
      ],
      ...["9007199254740993", "2147483648", "0x10", "١", "🪶", "a,b", "running,running", "-number", "score"],
    ];
    const values = ["\ud800", null, true, 0, -1, 0.5, 1e308, 2 ** 53, [], {}, [[]], { a: { b: 1 } }, ...hostile];
    const operations = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(
      ([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
    const config = document.components.schemas.SearchConfigInput;

    /** A value of the schema; each part is a hostile one instead with the probability `spite`. */
    function make(schema: Schema, spite: number): unknown {
      if (next() < spite) return pick(values);
      const one = schema.anyOf ?? schema.oneOf;
      if (one) return make(pick(one), spite);
      if (schema.enum) return pick(schema.enum);
      if (schema.const !== undefined) return schema.const;
      if (schema.type === "object") {
        const keys = Object.keys(schema.properties ?? {}).filter(() => next() < 0.25);
        return Object.fromEntries(keys.map((key) => [key, make(schema.properties?.[key] ?? {}, spite)]));
      }
      if (schema.type === "array")
        return Array.from({ length: Math.floor(next() * 4) }, () => make(schema.items ?? {}, spite));
      if (schema.type === "boolean") return next() < 0.5;
      if (schema.type === "string") return pick(["hyena", "11111-91111", ...hostile]);
      return Math.floor((next() - 0.2) * 10 ** Math.floor(next() * 6));
    }

    const seen = new Set<number>();
    for (let round = 0; round < 600; round++) {
      const { path, method, operation } = pick(operations);
      if (path.endsWith("/events")) continue;
      const query: string[] = [];
      let url = path;
      for (const parameter of operation.parameters ?? []) {
        const value =
          next() < 0.4 && parameter.name === "id" ? (ids.at(-1) ?? "") : pick([...hostile, "0", "1", "200"]);
        const encoded = encodeURIComponent(value);
        if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encoded);
        else if (next() < 0.6) query.push(`${parameter.name}=${encoded}`);
      }
      if (next() < 0.1) query.push(`${encodeURIComponent(pick(hostile))}=1`);
      const hasBody = operation.requestBody !== undefined;
      const check = { type: "object", properties: { genome: { type: "string" } } };
      const spite = pick([0, 0, 0.02, 0.2]);
      const body = hasBody ? JSON.stringify(make(path.endsWith("/searches") ? config : check, spite)) : undefined;
      const answer = await inject(api.app, {
        method: method.toUpperCase() as "GET",
        url: `${url}${query.length > 0 ? `?${query.join("&")}` : ""}`,
        headers: {
          authorization: `Bearer ${api.key}`,
          ...(next() < 0.2 && hasBody && { "idempotency-key": pick(["k1", "k2", "k 3"]) }),
          ...(body !== undefined && { "content-type": "application/json" }),
        },
        ...(body !== undefined && { payload: body }),
      });
      const place = `${method} ${url} ${query.join("&")} ${body ?? ""} -> ${answer.text.slice(0, 300)}`;
      expect(answer.status, place).toBeLessThan(500);
      if (answer.status === 201) ids.push(answer.body.id ?? "");
      if (answer.status >= 400) problem.parse(answer.body);
      seen.add(answer.status);
    }
    // The fuzz reached good answers and every kind of refusal.
    expect([...seen]).toEqual(expect.arrayContaining([200, 201, 204, 400, 404, 422]));
  });
});

interface Schema {
  type?: string | string[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, Schema>;
  items?: Schema;
}
