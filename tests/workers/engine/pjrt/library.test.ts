// The binding against the C compiler's view of the API, and files that are no plugin.
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PjrtClient } from "../../../../workers/engine/pjrt/client.ts";
import { findPlugin } from "../../../../workers/engine/pjrt/find-plugin.ts";
import { PjrtLibrary } from "../../../../workers/engine/pjrt/library.ts";
import { type Entry, entries, headerSlots, structs } from "../../../../workers/engine/pjrt/table.ts";
import { describeWith } from "../../../require.ts";
import { buildFakePlugin, type FakePlugin } from "./fake-plugin.ts";

describeWith("compiler", "PJRT library", () => {
  const built: FakePlugin[] = [];
  const build = (...defines: string[]) => {
    const plugin = buildFakePlugin(...defines);
    built.push(plugin);
    return plugin;
  };
  let fake: FakePlugin;
  beforeAll(() => {
    fake = build();
  });
  afterAll(() => {
    for (const plugin of built) plugin.remove();
  });

  test("every position and field is where the C compiler puts it", () => {
    const offsets = (name: string, fields: readonly string[]) =>
      fields.map((field, i) => `${name} ${field} ${8 * (headerSlots + i)}`);
    const ours = Object.entries<Entry>(entries).flatMap(([name, { position, fields }]) => [
      `${name} position ${position}`,
      ...offsets(name, fields),
    ]);
    const nested = Object.entries(structs).flatMap(([name, fields]) => offsets(name, fields));
    expect([...ours, ...nested].sort()).toEqual(fake.layout().sort());
  });

  test("tells the version of the interface", () => {
    expect(new PjrtLibrary(fake.file)).toMatchObject({ file: fake.file, version: "0.104" });
  });

  test("refuses a file that is not there, no library, no plugin, too new or too short", () => {
    expect(() => new PjrtLibrary("/nowhere/plugin.so")).toThrow(/^\/nowhere\/plugin.so: cannot be loaded: /);
    expect(() => new PjrtLibrary(import.meta.filename)).toThrow(/: cannot be loaded: /);
    const cases: [string, string][] = [
      ["-DNO_API", "is no PJRT plugin: it exports no GetPjrtApi"],
      ["-DMAJOR=1", "speaks PJRT 1.104, expected 0.x"],
      ["-DSHORT_TABLE", "its table of 440 bytes has no LoadedExecutable_Destroy (entry 50)"],
    ];
    for (const [define, message] of cases) {
      const { file } = build(define);
      expect(() => new PjrtLibrary(file), define).toThrow(`${file}: ${message}`);
    }
  });

  test("a client without its device is an error of the plugin's file, and leaves nothing behind", async () => {
    const library = new PjrtLibrary(fake.file);
    await expect(PjrtClient.create(library, { device: 3 })).rejects.toThrow(
      `${fake.file}: its client does not start: Client_Create: FAILED_PRECONDITION: no visible fake device`,
    );
    await expect(PjrtClient.create(library, { device: -1 })).rejects.toThrow("there is no device -1");
    expect(fake.counters()).toMatchObject({ errors: 0, clients: 0 });
  });

  test("the plugin is found where the environment says", async () => {
    await expect(findPlugin(undefined, { STARLING_PJRT_PLUGIN: fake.file })).resolves.toBe(fake.file);
    await expect(findPlugin(undefined, { STARLING_PJRT_PLUGIN: "/nowhere.so" })).rejects.toThrow(
      "there is no PJRT plugin at /nowhere.so, which STARLING_PJRT_PLUGIN names",
    );
  });

  test("the newest CUDA plugin of a Python environment is found, then AMD's", async () => {
    const packages = `${fake.folder}/environment/lib/python3.12/site-packages`;
    const install = (path: string) => {
      const file = `${packages}/jax_plugins/${path}`;
      execFileSync("mkdir", ["-p", file.slice(0, file.lastIndexOf("/"))]);
      execFileSync("touch", [file]);
      return file;
    };
    const environment = { VIRTUAL_ENV: `${fake.folder}/environment`, HOME: fake.folder, PATH: "" };
    await expect(findPlugin(undefined, { ...environment })).rejects.toThrow(
      /no PJRT plugin in Python's packages.*pip install/,
    );
    const amd = install("xla_rocm7/xla_rocm_plugin.so");
    await expect(findPlugin(undefined, environment)).resolves.toBe(amd);
    install("xla_cuda12/xla_cuda_plugin.so");
    const newest = install("xla_cuda13/xla_cuda_plugin.so");
    install("xla_cuda14/other.so");
    await expect(findPlugin(undefined, environment)).resolves.toBe(newest);
  });
});
