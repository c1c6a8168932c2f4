// A whole service and its command line, both through the real `starling`: submit, watch, steer, export.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ExportedGenome, Page, Search, SearchSummary } from "../../services/api/schemas.ts";
import { temporaryHome } from "./postgres.ts";
import { type Ended, type Running, type StarlingOptions, starling, startStarling } from "./starling.ts";

const smallSearch = {
  ...{ name: "three of memorization", profile: "smoke", tasks: ["memorization"], knownDesigns: [], seed: 11 },
  budget: { candidates: 3 },
};

const { home, remove } = temporaryHome("a home with spaces");
const env = {
  ...{ STARLING_HOME: home, PORT: "0", STARLING_WORKERS: "1", STARLING_THREADS: "1", LOG_LEVEL: "warn" },
  STARLING_DRAIN_SECONDS: "1",
};
const cli = (args: readonly string[], options: StarlingOptions = {}): Promise<Ended> =>
  starling(args, { ...options, env: { STARLING_HOME: home, ...options.env } });

let service: Running;

beforeAll(async () => {
  service = startStarling(["serve"], { env });
  await service.says("Ctrl-C stops it.");
}, 120_000);

afterAll(async () => {
  service.signal("SIGTERM");
  await service.ended;
  remove();
}, 60_000);

test("the first start prints its address and a key, which only the owner can read on disk", async () => {
  expect(service.out()).toMatch(/^Starling is at http:\/\/127\.0\.0\.1:\d+\nAPI key \(shown once\): starling_[\w-]+\n/);
  expect(statSync(join(home, "client.json")).mode & 0o777).toBe(0o600);
});

test("an empty service says how to submit the first search", async () => {
  const { code, out } = await cli(["search", "list"]);
  expect({ code, out }).toEqual({ code: 0, out: "No searches yet. Submit one with `starling search create`.\n" });
});

test("a search goes from standard input to an exported genome", async () => {
  const created = await cli(["--json", "search", "create", "-f", "-", "--watch"], {
    input: JSON.stringify(smallSearch),
  });
  expect(created.err).toBe("");
  expect(created.code).toBe(0);
  const lines = created.out.trim().split("\n");
  const states = lines.map((line) => JSON.parse(line) as Search);
  const last = states.at(-1);
  expect(last).toMatchObject({ state: "completed", candidates: { complete: 3 }, knownDesigns: 0 });
  expect(new Set(lines).size).toBe(lines.length);
  const id = last?.id ?? "";

  const [list, get, exported, json, watched] = await Promise.all([
    cli(["search", "list", "--json"]),
    cli(["search", "get", id]),
    cli(["search", "export", id, "-o", join(home, "best.json")]),
    cli(["search", "export", id, "-c", "0"]),
    cli(["search", "watch", id]),
  ]);
  expect((JSON.parse(list.out) as Page<SearchSummary>).items).toMatchObject([{ id, name: smallSearch.name }]);
  expect(get.out).toContain(`three of memorization (${id}): completed`);
  expect(get.out).toMatch(/│ yes +│ +#\d +│ found/);
  expect(exported).toMatchObject({ code: 0, err: "" });
  const best = JSON.parse(readFileSync(join(home, "best.json"), "utf8")) as ExportedGenome;
  expect(best).toMatchObject({ format: "starling-genome", provenance: { searchId: id, seed: 11, profile: "smoke" } });
  expect((JSON.parse(json.out) as ExportedGenome).provenance.candidate).toBe(0);
  expect(watched).toMatchObject({ code: 0, err: "" });
  expect(watched.out).toMatch(/3 of 3 candidates \| completed \|/);
}, 120_000);

test("Ctrl-C on a watch leaves the search as it is; a cancelled search ends its watch with its own code", async () => {
  const large = { ...smallSearch, name: "large", seed: 12, budget: { candidates: 500 } };
  const { out } = await cli(["search", "create", "-f", "-"], { input: JSON.stringify(large) });
  const id = out.trim();
  expect(id).toMatch(/^[0-9a-z]+$/);

  const watching = startStarling(["search", "watch", id], { env: { STARLING_HOME: home } });
  await watching.says("of 500 candidates");
  watching.signal("SIGINT");
  const interrupted = await watching.ended;
  expect(interrupted).toMatchObject({ code: 130, err: "" });
  expect(interrupted.out).toContain(`Stopped watching; search ${id} goes on.`);

  expect((await cli(["search", "pause", id])).out).toBe(`${id} is paused.\n`);
  expect((await cli(["search", "resume", id])).out).toBe(`${id} is running.\n`);
  const follower = startStarling(["search", "watch", id], { env: { STARLING_HOME: home } });
  await follower.says("of 500 candidates");
  expect((await cli(["search", "cancel", id])).out).toBe(`${id} is cancelled.\n`);
  const cancelled = await follower.ended;
  expect(cancelled.code).toBe(3);

  const again = await cli(["search", "resume", id]);
  expect(again.code).toBe(1);
  expect(again.err).toMatch(/^The search has ended \(409 SEARCH_FINISHED\)/);
  expect((await cli(["search", "delete", id])).out).toBe(`${id} is deleted.\n`);
}, 120_000);

test("what the service refuses is told in words, without a stack, and ends with 1", async () => {
  const bad = JSON.stringify({ ...smallSearch, budget: { candidates: -1 }, tasks: ["juggling"] });
  const [refused, unknown, wrongKey, notSaved] = await Promise.all([
    cli(["search", "create", "-f", "-"], { input: bad }),
    cli(["search", "get", "nosuchsearch"]),
    cli(["search", "list"], { env: { STARLING_API_KEY: `starling_${"x".repeat(43)}` } }),
    cli(["search", "create", "-f", "/no/such/file.json"]),
  ]);
  for (const { code, out, err } of [refused, unknown, wrongKey, notSaved]) {
    expect(code).toBe(1);
    expect(out).toBe("");
    expect(err).not.toMatch(/\n\s+at /);
  }
  expect(refused.err).toMatch(/^The request is not valid \(422 REQUEST_INVALID\)/);
  expect(refused.err).toContain("\n  /budget/candidates: ");
  expect(refused.err).toContain("\n  /tasks/0: ");
  expect(unknown.err).toMatch(/^Search not found \(404 SEARCH_NOT_FOUND\)/);
  expect(wrongKey.err).toMatch(/^A valid API key is required \(401 UNAUTHORIZED\)/);
  expect(notSaved.err).toBe(
    "Cannot read a SearchConfig from /no/such/file.json: ENOENT: no such file or directory, open '/no/such/file.json'\n",
  );
}, 60_000);

test("a clone has the settings of its original but for those that were set, which the service judges", async () => {
  const original = await cli(["search", "create", "-f", "-"], { input: JSON.stringify(smallSearch) });
  const id = original.out.trim();
  const cloned = await cli(["--json", "search", "clone", id, "--set", "seed=12", "name=the same again"]);
  expect(cloned).toMatchObject({ code: 0, err: "" });
  const clone = JSON.parse(cloned.out) as Search;
  const { config } = JSON.parse((await cli(["--json", "search", "get", id])).out) as Search;
  expect(clone.id).not.toBe(id);
  expect(clone.config).toEqual({ ...config, seed: 12, name: "the same again" });

  const refused = await cli(["search", "clone", id, "--set", "budget.candidates=0"]);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain("/budget/candidates");
  await Promise.all([id, clone.id].map((one) => cli(["search", "cancel", one])));
});

test("a search that runs gets another budget, and two searches are compared", async () => {
  const long = { ...smallSearch, seed: 21, budget: { candidates: 400 } };
  const made = await Promise.all(
    [long, smallSearch].map((config) => cli(["search", "create", "-f", "-"], { input: JSON.stringify(config) })),
  );
  const [a = "", b = ""] = made.map(({ out }) => out.trim());
  await cli(["search", "pause", a]);
  const updated = await cli(["search", "update", a, "--set", "budget.candidates=16", "concurrency=1"]);
  expect(updated).toMatchObject({ code: 0, err: "" });
  expect(updated.out).toMatch(/^\w+: \d+ of 16 candidates, 1 at once\.\n$/);
  await cli(["search", "resume", a]);
  await Promise.all([a, b].map((id) => cli(["search", "watch", id])));
  const ended = await cli(["search", "update", a, "--set", "concurrency=2"]);
  expect(ended).toMatchObject({ code: 1, err: expect.stringContaining("SEARCH_FINISHED") });

  const compared = await cli(["search", "compare", a, b]);
  expect(compared).toMatchObject({ code: 0, err: "" });
  expect(compared.out).toMatch(/^reference point: score 0\.0 %, parameters [\d,]+, stateBytes [\d.]+ [KM]iB\n/);
  expect(compared.out).toMatch(new RegExp(`${a} +│.*│ completed │.*│ +\\d+\\.\\d %`));
}, 120_000);
