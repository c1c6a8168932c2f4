// Commands that need no service: score, doctor, parity, help, and what they say to wrong input.
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { describeWith, referenceFolder } from "../require.ts";
import { temporaryHome } from "./postgres.ts";
import { starling } from "./starling.ts";

const { home, remove } = temporaryHome();
afterAll(remove);
const cli = (...args: string[]) => starling(args, { env: { STARLING_HOME: home } });

test("score trains one architecture and gives scores and exact costs as JSON", async () => {
  const { code, out } = await cli("score", "transformer++", "--task", "memorization", "--seed", "3", "--json");
  expect(code).toBe(0);
  const scored = JSON.parse(out) as Record<string, never>;
  expect(scored).toMatchObject({
    ...{ genome: "11111-91111-11111-91111", profile: "smoke", seed: 3 },
    results: [{ task: "memorization", result: { outcome: "scored" } }],
  });
  expect(scored.score).toBeGreaterThanOrEqual(0);
  expect(scored.score).toBeLessThanOrEqual(1);
}, 60_000);

test("doctor names the engine, the database and the queue that would be used", async () => {
  const { code, out, err } = await cli("doctor", "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const { checks, engines, selection } = JSON.parse(out) as {
    checks: { what: string; isGood: boolean; detail: string }[];
    engines: { name: string; isAvailable: boolean }[];
    selection: { name: string };
  };
  const details = Object.fromEntries(checks.map(({ what, detail }) => [what, detail]));
  expect(checks.filter(({ what }) => !what.startsWith("engine ")).every(({ isGood }) => isGood)).toBe(true);
  expect(details.database).toBe(`embedded Postgres in ${home}, 0 searches`);
  expect(details.queue).toBe("in postgres");
  expect(details["chosen engine"]).toMatch(/\(STARLING_ENGINE=auto/);
  expect(engines.map(({ name }) => name)).toEqual(["pjrt", "cuda", "webgpu", "onnxruntime", "tfjs-node", "eager"]);
  expect(engines.find(({ name }) => name === selection.name)).toMatchObject({ isAvailable: true });
}, 90_000);

describe("wrong input ends with 1, a sentence and no stack", () => {
  test.each([
    [["nonsense"], /^error: unknown command 'nonsense'/],
    [["search", "nonsense"], /^error: unknown command 'nonsense'/],
    [["search", "list"], /^No service found: start one with `npm start`/],
    [["score", "bogus"], /^segment 1: .*\nKnown designs: transformer\+\+, .*, monarch-mixer\n$/],
    [
      ["score", "mamba", "--engine", "abacus"],
      /there is no engine "abacus"; there are pjrt, cuda, webgpu, onnxruntime, tfjs-node, eager\n$/,
    ],
    [["score", "mamba", "--seed", "-1"], /^--seed -1: expected a whole number of at least 0\n$/],
    [["score", "mamba", "--task", "juggling"], /^error: .*'juggling' is invalid. Allowed choices are/],
    [["parity", "--dir", "/no/such/folder"], /^ENOENT: no such file or directory/],
  ])(
    "%j",
    async (args, message) => {
      const { code, out, err } = await cli(...args);
      expect(err).toMatch(message);
      expect(err).not.toMatch(/\n\s+at /);
      expect({ code, out }).toEqual({ code: 1, out: "" });
    },
    60_000,
  );
});

test("help lists every command; the variables of the environment stand under serve", async () => {
  const [all, serve] = await Promise.all([cli("--help"), cli("serve", "--help")]);
  for (const name of ["serve", "worker", "demo", "search", "score", "parity", "doctor"]) {
    expect(all.out).toMatch(new RegExp(`\n  ${name} `));
  }
  expect(serve.out).toContain("STARLING_WORKERS");
}, 60_000);

test("parity without a single case is an error, never a success", async () => {
  const empty = join(home, "empty");
  mkdirSync(empty);
  const { code, out, err } = await cli("parity", "--dir", empty);
  expect({ code, out }).toEqual({ code: 1, out: "" });
  expect(err).toBe(`no cases in ${empty}: expected <kind>/<system>/<case>.json inside\n`);
}, 60_000);

describeWith("reference", "starling parity", () => {
  test("passes what agrees, reports what is unknown, fails what is malformed", async () => {
    const records = join(home, "records");
    const copy = (from: string, to: string) => cpSync(join(referenceFolder, from), join(records, to));
    for (const ending of ["json", "safetensors"]) {
      copy(`operators/swiglu/case1.${ending}`, `operators/swiglu/case1.${ending}`);
      copy(`operators/swiglu/case1.${ending}`, `operators/swoosh/case1.${ending}`);
    }
    const passing = await cli("parity", "--dir", records);
    expect(passing.out).toMatch(/^pass +swiglu +case1 +y +\d/m);
    expect(passing.out).toMatch(/^unsupported +swoosh +case1 /m);
    expect(passing.out).toMatch(/\n2 cases: 1 pass, 0 fail, 1 unsupported\n$/);
    expect(passing.code).toBe(0);

    copy("operators/swiglu/case1.json", "operators/swiglu/broken.json");
    writeFileSync(join(records, "operators/swiglu/broken.safetensors"), "not tensors");
    const failing = await cli("parity", "--dir", records, "--json");
    const lines = failing.out.trim().split("\n");
    expect(lines.slice(0, -1).map((line) => (JSON.parse(line) as { verdict: string }).verdict)).toEqual([
      ...["fail", "pass", "unsupported"],
    ]);
    expect(lines[0]).toContain("broken.safetensors");
    expect(lines.at(-1)).toBe("3 cases: 1 pass, 1 fail, 1 unsupported");
    expect(failing.code).toBe(1);
  }, 60_000);
});
