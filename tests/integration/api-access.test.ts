// Who may ask, from where, and how often.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildApp } from "../../services/api/app.ts";
import { silentLog } from "../../services/platform/log.ts";
import { type Answer, inject, openTestApi, type TestApi, testConfig } from "./api.ts";

let api: TestApi;
let folder: string;
const lines: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "starling-dashboard-"));
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>Starling</title>");
  writeFileSync(join(folder, "favicon.svg"), "<svg/>");
  writeFileSync(join(folder, "assets", "index-abc.js"), "export {};");
  writeFileSync(join(folder, ".secret"), "not for you");
  const log = pino({ level: "trace" }, { write: (line: string) => void lines.push(line) });
  api = await openTestApi({ dashboardFolder: folder, log });
});
afterAll(async () => {
  await api?.close();
  rmSync(folder, { recursive: true, force: true });
});

const bare = (method: string, url: string, headers: Record<string, string> = {}, payload?: object) =>
  inject(api.app, { method: method as "GET", url, headers, ...(payload && { payload }) });

const openRoutes = new Set([
  ...["GET /healthz", "HEAD /healthz", "GET /readyz", "HEAD /readyz", "POST /api/v1/session"],
  ...["GET /", "HEAD /", "GET /:file", "HEAD /:file", "GET /assets/*", "HEAD /assets/*"],
]);

const fill = (url: string) =>
  url
    .replace(/:id/, "abc123")
    .replace(/:number/, "0")
    .replace(/:file|\*/, "x");

describe("API keys", () => {
  test("every route without a key answers 401, but for the few that are open", async () => {
    const routes = api.app.routeTable;
    expect(routes.map(({ method, url }) => `${method} ${url}`)).toEqual(
      expect.arrayContaining([
        "POST /api/v1/searches/:id/cancel",
        "GET /api/v1/events",
        "GET /docs/json",
        "GET /metrics",
      ]),
    );
    expect(routes.length).toBeGreaterThan(40);
    const open: string[] = [];
    for (const { method, url } of routes) {
      const { status, headers } = await bare(method, fill(url));
      if (status !== 401) open.push(`${method} ${url}`);
      else expect(headers["www-authenticate"], url).toMatch(/^Bearer/);
    }
    expect(new Set(open)).toEqual(openRoutes);
  });

  test("an address that no route has needs a key too", async () => {
    expect((await bare("GET", "/api/v1/secrets")).status).toBe(401);
    expect((await bare("PATCH", "/api/v1/searches")).status).toBe(401);
    expect((await api.ask("GET", "/api/v1/secrets")).status).toBe(404);
  });

  test.each([
    ["another scheme", () => `Basic ${api.key}`],
    ["no scheme", () => api.key],
    ["a key with one letter changed", () => `Bearer ${api.key.slice(0, -1)}${api.key.endsWith("A") ? "B" : "A"}`],
    ["a key cut short", () => `Bearer ${api.key.slice(0, -1)}`],
    ["a key with more behind it", () => `Bearer ${api.key} x`],
    ["an empty key", () => "Bearer "],
    ["SQL", () => "Bearer starling_' OR '1'='1' --"],
    ["a giant", () => `Bearer starling_${"a".repeat(8000)}`],
  ])("%s is refused", async (_, header) => {
    const answer = await bare("GET", "/api/v1/operators", { authorization: header() });
    expect(answer.status).toBe(401);
    expect(answer.body.code).toBe("UNAUTHORIZED");
  });

  test("a revoked key is refused at once, and the session it opened too", async () => {
    const { id, key } = await api.store.createApiKey("short-lived");
    const cookie = cookieOf(await bare("POST", "/api/v1/session", {}, { apiKey: key }));
    expect((await bare("GET", "/api/v1/operators", { cookie })).status).toBe(200);
    await api.store.revokeApiKey(id);
    expect((await bare("GET", "/api/v1/operators", { authorization: `Bearer ${key}` })).status).toBe(401);
    expect((await bare("GET", "/api/v1/operators", { cookie })).status).toBe(401);
    expect((await bare("POST", "/api/v1/session", {}, { apiKey: key })).status).toBe(401);
  });

  test("a key in the address does not count, and no key or cookie is ever logged", async () => {
    expect((await bare("GET", `/api/v1/operators?apiKey=${api.key}`)).status).toBe(401);
    lines.length = 0;
    const cookie = cookieOf(await bare("POST", "/api/v1/session", {}, { apiKey: api.key }));
    await bare("GET", "/api/v1/searches/nothere", { cookie });
    await api.ask("POST", "/api/v1/searches", { payload: { apiKey: api.key } });
    await bare("POST", "/api/v1/session", {}, { apiKey: `${api.key}x` });
    const log = lines.join("");
    expect(log).toContain("request answered");
    expect(log).not.toContain(api.key.slice(9));
    expect(log).not.toContain(cookie.split("=")[1]);
  });

  test("docs and metrics open where the configuration says so", async () => {
    const { store, queues } = api;
    const config = { ...testConfig, openPages: ["docs" as const, "metrics" as const] };
    const app = await buildApp({ config, store, queues, log: silentLog });
    for (const url of ["/docs/", "/docs/json", "/docs/static/swagger-ui.css", "/metrics"]) {
      expect((await inject(app, { method: "GET", url })).status, url).toBe(200);
    }
    expect((await inject(app, { method: "GET", url: "/api/v1/operators" })).status).toBe(401);
    await app.close();
  });
});

const cookieOf = (answer: Answer) => String(answer.headers["set-cookie"]).split(";")[0] ?? "";

describe("sessions", () => {
  test("signing in gives a cookie that scripts cannot read and other sites do not send", async () => {
    const answer = await bare("POST", "/api/v1/session", {}, { apiKey: api.key });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ authenticated: true, name: "test", through: "cookie" });
    const cookie = String(answer.headers["set-cookie"]);
    expect(cookie).toMatch(/^starling_session=[\w-]{43};/);
    for (const part of ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=604800"]) expect(cookie).toContain(part);
    expect(cookie).not.toContain(api.key.slice(9));
    expect(cookie).not.toContain("Secure");
  });

  test("behind a trusted proxy with TLS the cookie is Secure", async () => {
    const { store, queues } = api;
    const config = { ...testConfig, trustedProxies: ["127.0.0.1"], hosts: ["search.example.org"] };
    const app = await buildApp({ config, store, queues, log: silentLog });
    const headers = { "x-forwarded-proto": "https", "x-forwarded-host": "search.example.org" };
    const answer = await inject(app, {
      ...{ method: "POST", url: "/api/v1/session", headers, payload: { apiKey: api.key } },
    });
    expect(answer.status).toBe(201);
    expect(String(answer.headers["set-cookie"])).toContain("Secure");
    await app.close();
  });

  test("signing out ends the session itself, not only the cookie", async () => {
    const cookie = cookieOf(await bare("POST", "/api/v1/session", {}, { apiKey: api.key }));
    const asked = await bare("GET", "/api/v1/session", { cookie });
    expect(asked.body).toMatchObject({
      authenticated: true,
      through: "cookie",
      expiresAt: expect.stringMatching(/Z$/),
    });
    const out = await bare("DELETE", "/api/v1/session", { cookie, "sec-fetch-site": "same-origin" });
    expect(out.status).toBe(204);
    expect(String(out.headers["set-cookie"])).toMatch(/^starling_session=;.*Max-Age=0/);
    expect((await bare("GET", "/api/v1/session", { cookie })).status).toBe(401);
  });

  test("an expired session is refused", async () => {
    const cookie = cookieOf(await bare("POST", "/api/v1/session", {}, { apiKey: api.key }));
    await api.database.query("UPDATE sessions SET expires_at = now() - interval '1 s'");
    expect((await bare("GET", "/api/v1/session", { cookie })).status).toBe(401);
  });

  test("with the key itself, GET session says so", async () => {
    const { body } = await api.ask("GET", "/api/v1/session");
    expect(body).toEqual({ authenticated: true, name: "test", through: "header", expiresAt: null });
  });

  test("a cookie from another site changes nothing, whatever the method", async () => {
    const cookie = cookieOf(await bare("POST", "/api/v1/session", {}, { apiKey: api.key }));
    const { body: search } = await api.ask("POST", "/api/v1/searches", { payload: {} });
    const refused: Record<string, string>[] = [
      {},
      { origin: "https://evil.example" },
      { origin: "null" },
      { origin: "http://localhost.evil.example" },
      { origin: "http://localhost:81" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site", origin: "http://localhost:80" },
      { "sec-fetch-site": "none" },
    ];
    const changes = [
      ["POST", `/api/v1/searches/${search.id}/cancel`],
      ["DELETE", `/api/v1/searches/${search.id}`],
      ["POST", "/api/v1/searches"],
      ["DELETE", "/api/v1/session"],
    ] as const;
    for (const headers of refused) {
      for (const [method, url] of changes) {
        const answer = await bare(method, url, { cookie, ...headers }, {});
        expect(answer.status, `${method} ${url} ${JSON.stringify(headers)}`).toBe(403);
        expect(answer.body.code).toBe("ORIGIN_REFUSED");
      }
    }
    const allowed: Record<string, string>[] = [{ "sec-fetch-site": "same-origin" }, { origin: "http://localhost:80" }];
    for (const headers of allowed) {
      const answer = await bare("POST", `/api/v1/searches/${search.id}/pause`, { cookie, ...headers });
      expect(answer.status, JSON.stringify(headers)).toBe(200);
    }
  });

  test("another site cannot sign a browser in", async () => {
    const headers = { origin: "https://evil.example" };
    expect((await bare("POST", "/api/v1/session", headers, { apiKey: api.key })).status).toBe(403);
  });
});

describe("names and headers", () => {
  test("a service bound to this machine answers to its own names only (DNS rebinding)", async () => {
    const statusFor = async (host: string) => (await bare("GET", "/healthz", { host })).status;
    for (const host of ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080"]) {
      expect(await statusFor(host), host).toBe(200);
    }
    for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1"]) {
      expect(await statusFor(host), host).toBe(421);
    }
    expect((await bare("GET", "/healthz", { host: "localhost", "x-forwarded-host": "evil.example" })).status).toBe(200);
  });

  test("a service bound to a public address answers to every name, or to those it is given", async () => {
    const { store, queues } = api;
    const ask = async (hosts: string[], host: string) => {
      const app = await buildApp({ config: { ...testConfig, host: "0.0.0.0", hosts }, store, queues, log: silentLog });
      const { status } = await inject(app, { method: "GET", url: "/healthz", headers: { host } });
      await app.close();
      return status;
    };
    expect(await ask([], "anything.example")).toBe(200);
    expect(await ask(["search.example.org"], "search.example.org:8443")).toBe(200);
    expect(await ask(["search.example.org"], "anything.example")).toBe(421);
  });

  test("every answer forbids sniffing, framing and foreign scripts, errors too", async () => {
    for (const url of ["/", "/api/v1/searches", "/nothing", "/healthz"]) {
      const { headers } = await bare("GET", url);
      expect(headers["x-content-type-options"], url).toBe("nosniff");
      expect(headers["referrer-policy"]).toBe("no-referrer");
      expect(headers["x-powered-by"]).toBeUndefined();
      const policy = String(headers["content-security-policy"]);
      for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) {
        expect(policy).toContain(part);
      }
      expect(policy).not.toMatch(/script-src[^;]*unsafe/);
    }
  });

  test("every answer has a request id; a proxy's is kept if it is harmless", async () => {
    const id = async (given?: string) =>
      (await bare("GET", "/healthz", given === undefined ? {} : { "x-request-id": given })).headers["x-request-id"];
    expect(await id()).toMatch(/^[0-9a-f-]{36}$/);
    expect(await id("trace-1234.a")).toBe("trace-1234.a");
    expect(await id('"><script>')).not.toContain("script");
    const problem = await bare("GET", "/api/v1/searches", { "x-request-id": "trace-1234.b" });
    expect(problem.body.requestId).toBe("trace-1234.b");
  });

  test("answers of the API are not kept by caches", async () => {
    expect((await api.ask("GET", "/api/v1/searches")).headers["cache-control"]).toBe("no-store");
  });
});

describe("the dashboard's files", () => {
  test("the page is asked for anew, its hashed assets never again", async () => {
    const page = await bare("GET", "/");
    expect(page.status).toBe(200);
    expect(page.text).toContain("<title>Starling</title>");
    expect(page.headers["cache-control"]).toBe("no-cache");
    const asset = await bare("GET", "/assets/index-abc.js");
    expect(asset.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
    expect(asset.headers["content-type"]).toContain("javascript");
    expect((await bare("GET", "/favicon.svg")).headers["content-type"]).toContain("svg");
  });

  test.each([
    "/.secret",
    "/assets/.secret",
    "/assets/../.secret",
    "/assets/%2e%2e/.secret",
    "/assets/..%2f.secret",
    "/assets/%252e%252e%252f.secret",
    "/..%2f..%2fetc%2fpasswd",
    "/assets/..\\.secret",
    "/assets/",
    "/nothing.js",
    "/%00",
    "/%zz",
  ])("%s is not found", async (url) => {
    const answer = await bare("GET", url);
    expect([404, 403, 400]).toContain(answer.status);
    expect(answer.text).not.toContain("not for you");
    expect(answer.headers["content-type"]).toContain("application/problem+json");
  });
});

test("under a path of a proxy every address still leads there", async () => {
  await api.app.listen({ port: 0, host: "127.0.0.1" });
  const { port } = api.app.server.address() as AddressInfo;
  const proxy = createServer((incoming, outgoing) => {
    const path = (incoming.url ?? "").replace(/^\/lab\/starling/, "");
    const onward = request({ port, path, method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const base = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/lab/starling`;
  const headers = { authorization: `Bearer ${api.key}` };

  const docs = await fetch(`${base}/docs`, { headers });
  expect(docs.url).toBe(`${base}/docs/`);
  const sources = [...(await docs.text()).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source ?? "");
  expect(sources.length).toBeGreaterThan(3);
  for (const source of sources) expect((await fetch(new URL(source, docs.url), { headers })).status, source).toBe(200);
  const document = (await (await fetch(`${base}/docs/json`, { headers })).json()) as { servers: { url: string }[] };
  expect(new URL(document.servers[0]?.url ?? "", `${base}/docs/json`).href).toBe(`${base}/`);

  const created = await fetch(`${base}/api/v1/searches`, {
    ...{ method: "POST", headers: { ...headers, "content-type": "application/json" }, body: "{}" },
  });
  const search = new URL(created.headers.get("location") ?? "", created.url);
  expect((await fetch(search, { headers })).status).toBe(200);
  expect(search.href.startsWith(`${base}/api/v1/searches/`)).toBe(true);
  proxy.close();
  proxy.closeAllConnections();
});

describe("rates", () => {
  test("a key that asks too often is told when to come back; other keys are served", async () => {
    const { store, queues } = api;
    const app = await buildApp({ config: { ...testConfig, requestsPerMinute: 5 }, store, queues, log: silentLog });
    const other = await store.createApiKey("other");
    const ask = (key: string) =>
      inject(app, { method: "GET", url: "/api/v1/operators", headers: { authorization: `Bearer ${key}` } });
    for (let i = 0; i < 5; i++) {
      const { status, headers } = await ask(api.key);
      expect(status).toBe(200);
      expect(headers["ratelimit-limit"]).toBe("5");
      expect(headers["ratelimit-remaining"]).toBe(String(4 - i));
    }
    const refused = await ask(api.key);
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({ code: "RATE_LIMITED", status: 429 });
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    expect(Number(refused.headers["ratelimit-reset"])).toBeGreaterThan(0);
    expect((await ask(other.key)).status).toBe(200);
    const health = await inject(app, { method: "GET", url: "/healthz" });
    expect(health.status).toBe(200);
    await app.close();
  });

  test("signing in and wrong keys are counted by address, and harder", async () => {
    const { store, queues } = api;
    const app = await buildApp({ config: { ...testConfig, signInsPerMinute: 3 }, store, queues, log: silentLog });
    const signIn = () =>
      inject(app, {
        method: "POST",
        url: "/api/v1/session",
        payload: { apiKey: "starling_not-a-key-of-this-service" },
      });
    const wrong = () =>
      inject(app, { method: "GET", url: "/api/v1/operators", headers: { authorization: "Bearer x" } });
    const statuses = async (ask: () => Promise<Answer>) => [
      ...[(await ask()).status, (await ask()).status, (await ask()).status, (await ask()).status],
    ];
    expect(await statuses(signIn)).toEqual([401, 401, 401, 429]);
    expect(await statuses(wrong)).toEqual([401, 401, 401, 429]);
    const right = await inject(app, {
      ...{ method: "GET", url: "/api/v1/operators", headers: { authorization: `Bearer ${api.key}` } },
    });
    expect(right.status).toBe(200);
    await app.close();
  });
});
