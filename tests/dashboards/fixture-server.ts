// A small HTTP server that answers as the service would: the built dashboard, fixed JSON, events, and a count of
// every request, so that a test can say what a page costs.
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import type { Candidate, Search } from "../../services/api/schemas.ts";
import {
  attack,
  candidatesOf,
  detailOf,
  frontOf,
  hypervolumeOf,
  searchOf,
  shape,
  summaryOf,
  workersAt,
} from "./fixture-data.ts";

export const apiKey = "sk-fixture";

/** Everything lies under a path, as behind a proxy. */
const base = "/lab/";

/** As the service sends it: no inline scripts; styles of charts stand in attributes. */
const policy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

interface StoredSearch {
  readonly search: Search;
  readonly candidates: readonly Candidate[];
  /** Candidates of which the front is made; a real service computes it from all of them. */
  readonly sampled: readonly Candidate[];
}

export class FixtureServer {
  readonly requests: string[] = [];
  readonly created: unknown[] = [];
  readonly acted: string[] = [];
  readonly searches = new Map<string, StoredSearch>();
  readonly #dashboard: string;
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();
  #lastEventId = 0;
  /** What the last stream said it had seen. */
  resumedFrom: string | undefined;

  constructor(dashboard: string) {
    this.#dashboard = dashboard;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#add(searchOf("small", "Hybrids for recall, 128 wide", 48, 64), 48);
    this.#add(searchOf("evil", attack, 20, 64), 20);
    this.#add(searchOf("large", "A hundred thousand", 100_000, 120_000), 2_000);
    const done = searchOf("done", "First look", 16, 16);
    Object.assign(done, { state: "completed", etaSeconds: null, finishedAt: done.startedAt });
    Object.assign(done.candidates, { complete: 15, running: 0, waiting: 0 });
    this.#add(done, 16);
  }

  #add(search: Search, sample: number): void {
    const candidates = candidatesOf(search.id, sample);
    if (search.id === "evil") {
      for (const candidate of candidates) Object.assign(candidate, { message: attack, variation: { kind: attack } });
      for (const candidate of candidates.slice(0, 4)) candidate.knownDesign = attack;
      search.reason = attack;
    }
    this.searches.set(search.id, { search, candidates, sampled: candidates.slice(0, 300) });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${base}`;
  }

  async close(): Promise<void> {
    this.dropStreams();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  emit(type: string, searchId: string): void {
    this.#lastEventId += 1;
    const data = { id: this.#lastEventId, type, searchId, data: {}, at: new Date().toISOString() };
    const text = `id: ${data.id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
    for (const stream of this.#streams) stream.write(text);
  }

  dropStreams(): void {
    for (const stream of this.#streams) stream.destroy();
    this.#streams.clear();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://fixture");
    response.setHeader("content-security-policy", policy);
    if (!url.pathname.startsWith(base)) return void response.writeHead(404).end();
    const inside = url.pathname.slice(base.length);
    if (!inside.startsWith("api/v1/")) return this.#sendFile(inside, response);
    const path = inside.slice("api/v1/".length);
    this.requests.push(`${request.method} ${path}`);
    const body = await readBody(request);
    const signedIn = request.headers.cookie?.includes("session=yes") ?? false;
    if (path === "session") return this.#session(request.method ?? "", body, signedIn, response);
    if (!signedIn) return problem(response, 401, "UNAUTHENTICATED", "No session.");
    if (path === "events") return this.#stream(request, response);
    if (path === "workers") return json(response, 200, workersAt(new Date()));
    const [, id = "", room = "", number = "", last = ""] = path.split("/");
    if (id === "" && request.method === "POST") return this.#create(body, response);
    if (id === "") {
      const wanted = url.searchParams.get("state");
      const all = [...this.searches.values()].map(({ search }) => summaryOf(search));
      return json(response, 200, { items: all.filter(({ state }) => !wanted || state === wanted), nextCursor: null });
    }
    const stored = this.searches.get(id);
    if (!stored) return problem(response, 404, "SEARCH_NOT_FOUND", `There is no search ${id}.`);
    const { search, candidates, sampled } = stored;
    if (request.method === "POST") {
      this.acted.push(`${id} ${room}`);
      if (room === "pause") search.state = "paused";
      return json(response, 200, search);
    }
    if (room === "") return json(response, 200, search);
    if (room === "front") return json(response, 200, frontOf(sampled, search.objectives));
    if (room === "hypervolume") return json(response, 200, hypervolumeOf(Math.min(candidates.length, 300)));
    if (number === "") return json(response, 200, pageOf(candidates, url.searchParams));
    const candidate = candidates[Number(number)];
    if (!candidate) return problem(response, 404, "CANDIDATE_NOT_FOUND", `There is no candidate ${number}.`);
    if (last === "") return json(response, 200, detailOf(candidate));
    response.setHeader("content-disposition", `attachment; filename="starling-${id}-${number}.json"`);
    return json(response, 200, { format: "starling-genome", version: 1, genome: candidate.genome, shape });
  }

  #session(method: string, body: string, signedIn: boolean, response: ServerResponse): void {
    if (method === "POST") {
      const key = (JSON.parse(body) as { apiKey: string }).apiKey;
      if (key !== apiKey) problem(response, 401, "UNAUTHENTICATED", "Unknown API key.");
      else {
        response.setHeader("set-cookie", "session=yes; HttpOnly; SameSite=Strict; Path=/");
        response.writeHead(204).end();
      }
    } else if (method === "DELETE") {
      response.setHeader("set-cookie", "session=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
      response.writeHead(204).end();
    } else if (signedIn) json(response, 200, { authenticated: true });
    else problem(response, 401, "UNAUTHENTICATED", "No session.");
  }

  #create(body: string, response: ServerResponse): void {
    const config = JSON.parse(body) as { name: string; budget: { candidates: number } };
    this.created.push(config);
    if (typeof config.budget.candidates !== "number" || config.budget.candidates > 1_000_000) {
      const errors = [{ pointer: "/budget/candidates", detail: "Too big: expected number to be <=1000000" }];
      problem(response, 422, "CONFIG_INVALID", "The search configuration has 1 error.", errors);
    } else {
      this.#add(searchOf("fresh", config.name, 12, config.budget.candidates), 12);
      json(response, 201, this.searches.get("fresh")?.search);
    }
  }

  #stream(request: IncomingMessage, response: ServerResponse): void {
    this.resumedFrom = request.headers["last-event-id"]?.toString();
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(`retry: 2000\nid: ${this.#lastEventId}\n\n`);
    this.#streams.add(response);
    response.on("close", () => this.#streams.delete(response));
  }

  async #sendFile(path: string, response: ServerResponse): Promise<void> {
    const name = normalize(`/${path || "index.html"}`);
    try {
      const content = await readFile(join(this.#dashboard, name));
      response.writeHead(200, { "content-type": mediaTypes[extname(name)] ?? "application/octet-stream" }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  }
}

const mediaTypes: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

function pageOf(candidates: readonly Candidate[], query: URLSearchParams) {
  const limit = Number(query.get("limit") ?? 50);
  const from = Number(query.get("cursor") ?? 0);
  const sort = query.get("sort") ?? "number";
  const key = sort.replace(/^-/, "") as "number" | "score";
  const sign = sort.startsWith("-") ? -1 : 1;
  const wanted = query.get("state");
  const all = candidates.filter(({ state }) => !wanted || state === wanted);
  const ordered = [...all].sort((a, b) => sign * ((a[key] ?? -1) - (b[key] ?? -1)));
  const next = from + limit < ordered.length ? String(from + limit) : null;
  return { items: ordered.slice(from, from + limit), nextCursor: next };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function problem(response: ServerResponse, status: number, code: string, detail: string, errors?: unknown): void {
  const body = { type: "about:blank", title: code, status, code, detail, ...(errors !== undefined && { errors }) };
  response.writeHead(status, { "content-type": "application/problem+json" }).end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}
