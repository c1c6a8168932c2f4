// Compiled executables on disk.
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { cacheKey, ExecutableCache } from "../../../../workers/engine/pjrt/cache.ts";
import { type PjrtEngineOptions, pjrtEngine } from "../../../../workers/engine/pjrt/engine.ts";
import { describeWith } from "../../../require.ts";
import { amounts, buildFakePlugin, counter, counterStart, type FakePlugin, fakeLower } from "./fake-plugin.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starling-cache-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const files = () => readdirSync(folder).map((name) => join(folder, name));

describe("executable cache", () => {
  const content = (size: number) => new Uint8Array(size).fill(7);

  test("gives back what was put, and nothing for another key", async () => {
    const cache = new ExecutableCache(folder);
    await cache.put("a", content(100));
    expect(await cache.get("a").then((bytes) => bytes && [...bytes])).toEqual([...content(100)]);
    expect(await cache.get("b")).toBeUndefined();
    expect(files()).toEqual([join(folder, "a.executable")]);
  });

  test.each([
    ["cut short", (bytes: Buffer) => bytes.subarray(0, 60)],
    ["changed", (bytes: Buffer) => bytes.fill(1, 50, 51)],
    ["emptied", () => Buffer.alloc(0)],
  ])("a file that was %s is forgotten", async (_how, damage) => {
    const cache = new ExecutableCache(folder);
    await cache.put("a", content(100));
    const [file = ""] = files();
    writeFileSync(file, damage(readFileSync(file)));
    expect(await cache.get("a")).toBeUndefined();
    expect(files()).toEqual([]);
  });

  test("what was used longest ago goes first", async () => {
    const cache = new ExecutableCache(folder, 3 * (100 + 32));
    for (const [age, key] of ["a", "b", "c"].entries()) {
      await cache.put(key, content(100));
      utimesSync(join(folder, `${key}.executable`), new Date(1000 + age), new Date(1000 + age));
    }
    await cache.get("a");
    await cache.put("d", content(100));
    expect(readdirSync(folder).sort()).toEqual(["a.executable", "c.executable", "d.executable"]);
  });

  test("parts of a key do not run into one another", () => {
    expect(cacheKey(["ab", "c"])).not.toBe(cacheKey(["a", "bc"]));
    expect(cacheKey(["ab", "c"])).toBe(cacheKey(["ab", "c"]));
  });
});

describeWith("compiler", "PJRT engine with a cache", () => {
  let fake: FakePlugin;
  beforeAll(() => {
    fake = buildFakePlugin();
  });
  afterAll(() => fake.remove());

  /** Runs a step in a new client; how often the plugin compiled and loaded for it. */
  const work = async (options: Partial<PjrtEngineOptions> = {}) => {
    const before = fake.counters();
    const all = { plugin: fake.file, capacity: 4, lower: fakeLower(), cacheFolder: folder, ...options };
    const engine = await pjrtEngine(all);
    const program = await engine.compile(counter, counterStart);
    const { scaled } = await program.run(1, amounts(1));
    expect([...(scaled ?? [])]).toEqual([4, 24]);
    await program.dispose();
    engine.client.close();
    const after = fake.counters();
    expect(after).toMatchObject({ errors: 0, events: 0, buffers: 0, executables: 0, serialized: 0, clients: 0 });
    return { compilations: after.compilations - before.compilations, loads: after.loads - before.loads };
  };
  const compiled = { compilations: 1, loads: 0 };
  const loaded = { compilations: 0, loads: 1 };

  test("the same module is compiled once, another or with other flags again", async () => {
    expect(await work()).toEqual(compiled);
    expect(await work()).toEqual(loaded);
    expect(await work({ lower: fakeLower("temp=5") })).toEqual(compiled);
    expect(await work({ flags: { xla_gpu_autotune_level: 0 } })).toEqual(compiled);
    expect(await work({ flags: { xla_gpu_autotune_level: 0 } })).toEqual(loaded);
  });

  test("a damaged file is compiled again and written again", async () => {
    expect(await work()).toEqual(compiled);
    const [file = ""] = files();
    writeFileSync(file, readFileSync(file).subarray(0, 40));
    expect(await work()).toEqual(compiled);
    expect(await work()).toEqual(loaded);
  });

  test("what the plugin does not take any more is compiled again and written again", async () => {
    expect(await work()).toEqual(compiled);
    const [file = ""] = files();
    const key = file.slice(folder.length + 1).replace(".executable", "");
    await new ExecutableCache(folder).put(key, new TextEncoder().encode("of another version"));
    expect(await work()).toEqual(compiled);
    expect(await work()).toEqual(loaded);
  });

  test("a folder that cannot be written does not stop a compilation", async () => {
    expect(await work({ cacheFolder: "/dev/null/cache" })).toEqual(compiled);
  });
});
