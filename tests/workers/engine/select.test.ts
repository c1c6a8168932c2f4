// Which engine is chosen, with stand-ins in every combination of here, broken and absent; and what is really here.
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { packagePath } from "../../../services/platform/package-folder.ts";
import { EngineError } from "../../../workers/engine/errors.ts";
import {
  chooseEngine,
  describeEngines,
  type EngineContext,
  type EngineName,
  engineNames,
  selectEngine,
} from "../../../workers/engine/select.ts";
import type { EngineSource, EngineSources } from "../../../workers/engine/sources.ts";
import type { Engine } from "../../../workers/engine/types.ts";

type Condition = "works" | "absent" | "broken" | "software";
type Conditions = Partial<Record<EngineName, Condition>>;

/** Stand-ins for every engine; the ones that are not named are absent. */
function machine(
  conditions: Conditions,
  tried: EngineName[] = [],
): Required<Pick<EngineContext, "sources" | "tryStart">> {
  const entries = engineNames.map((name): [EngineName, EngineSource] => {
    const condition = conditions[name] ?? "absent";
    const start = async (): Promise<Engine> => {
      if (condition === "broken") throw new Error(`${name} has no driver`);
      return { name, compile: () => Promise.reject(new Error("not used here")) };
    };
    const find = async () => {
      if (condition === "absent") throw new EngineError(`no ${name}; install it by: install ${name}`);
      return { title: `${name} 1.0`, isSoftware: condition === "software" };
    };
    return [name, { loadsDrivers: ["pjrt", "cuda", "webgpu"].includes(name), find, start }];
  });
  const sources = Object.fromEntries(entries) as unknown as EngineSources;
  const tryStart = async (name: EngineName) => {
    tried.push(name);
    await sources[name].start({});
  };
  return { sources, tryStart };
}

test("the order is PJRT, CUDA, WebGPU, the processor, TensorFlow's library, plain JavaScript", () => {
  expect(engineNames).toEqual(["pjrt", "cuda", "webgpu", "onnxruntime", "tfjs-node", "eager"]);
});

describe("auto", () => {
  // 3^5: each of the others works, is broken or is absent; eager always works.
  const conditions = ["works", "absent", "broken"] as const;
  const combinations = Array.from({ length: 3 ** 5 }, (_, number) =>
    engineNames.slice(0, 5).map((name, i) => [name, conditions[Math.floor(number / 3 ** i) % 3]] as const),
  ).map((entries): Conditions => ({ ...Object.fromEntries(entries), eager: "works" }));

  test("takes the first that works, in all 243 combinations, and keeps why not the others", async () => {
    expect(combinations).toHaveLength(243);
    for (const combination of combinations) {
      const expected = engineNames.find((name) => combination[name] === "works");
      const { name, engine, passedOver } = await chooseEngine("auto", machine(combination));
      expect([name, engine.name]).toEqual([expected, expected]);
      expect(passedOver).toEqual(
        engineNames.slice(0, engineNames.indexOf(name)).map((other) => ({
          name: other,
          reason:
            combination[other] === "absent" ? `no ${other}; install it by: install ${other}` : `${other} has no driver`,
        })),
      );
    }
  });

  test("passes over a GPU that is only software", async () => {
    const { name, passedOver } = await chooseEngine("auto", machine({ webgpu: "software", onnxruntime: "works" }));
    expect(name).toBe("onnxruntime");
    expect(passedOver[2]).toMatchObject({ name: "webgpu", reason: expect.stringMatching(/is software/) });
  });

  test("tries what loads drivers in another process before this one", async () => {
    const tried: EngineName[] = [];
    await chooseEngine("auto", machine({ cuda: "broken", webgpu: "works" }, tried));
    expect(tried).toEqual(["cuda", "webgpu"]);
  });

  test("survives an engine whose start ends that process", async () => {
    const { sources } = machine({ pjrt: "works", onnxruntime: "works" });
    const tryStart = () => Promise.reject(new Error("the engine's process ended by SIGABRT"));
    const { name, passedOver } = await chooseEngine("auto", { sources, tryStart });
    expect(name).toBe("onnxruntime");
    expect(passedOver[0]).toEqual({ name: "pjrt", reason: "the engine's process ended by SIGABRT" });
  });

  test("says for each why it cannot be had when none can", async () => {
    const message = engineNames.map((name) => `${name}: no ${name}; install it by: install ${name}`).join("; ");
    await expect(chooseEngine("auto", machine({}))).rejects.toThrow(`no engine for "auto": ${message}`);
  });
});

describe.each(engineNames)("%s by its name", (name) => {
  const faster: Conditions = Object.fromEntries(engineNames.map((other) => [other, "works"]));

  test("is taken whatever else is here", async () => {
    const tried: EngineName[] = [];
    const choice = await chooseEngine(name, machine(faster, tried));
    expect([choice.name, choice.engine.name, choice.passedOver]).toEqual([name, name, []]);
    expect(tried).toEqual([]);
  });

  test("is taken where its GPU is only software", async () => {
    expect((await chooseEngine(name, machine({ [name]: "software" }))).name).toBe(name);
  });

  test("is an error that says how to install it where it is absent", async () => {
    await expect(chooseEngine(name, machine({ ...faster, [name]: "absent" }))).rejects.toThrow(
      `no engine for "${name}": no ${name}; install it by: install ${name}`,
    );
  });

  test("is an error where it does not start", async () => {
    await expect(chooseEngine(name, machine({ ...faster, [name]: "broken" }))).rejects.toThrow(
      `no engine for "${name}": ${name} has no driver`,
    );
  });
});

test("selecting agrees with choosing, and starts everything elsewhere", async () => {
  const tried: EngineName[] = [];
  const { sources, tryStart } = machine({ webgpu: "broken", onnxruntime: "works" }, tried);
  const { engine: _, ...chosen } = await chooseEngine("auto", { sources, tryStart });
  tried.length = 0;
  expect(await selectEngine("auto", { sources, tryStart })).toEqual(chosen);
  expect(tried).toEqual(["webgpu", "onnxruntime"]);
});

test("settings reach what looks and what starts", async () => {
  const { sources } = machine({});
  const seen: unknown[] = [];
  const pjrt: EngineSource = {
    find: async (settings) => ({ title: String(seen.push(settings)) }),
    start: async (settings) => {
      seen.push(settings);
      return { name: "pjrt", compile: () => Promise.reject(new Error("not used here")) };
    },
  };
  const settings = { threads: 3, plugin: "/plugin.so", precision: "float32" } as const;
  await chooseEngine("pjrt", { ...settings, sources: { ...sources, pjrt } });
  expect(seen).toEqual([settings, settings]);
});

test("a name that does not exist is refused with those that do", async () => {
  await expect(chooseEngine("abacus" as never)).rejects.toThrow(
    `there is no engine "abacus"; there are ${engineNames.join(", ")}`,
  );
});

describe("on this machine", () => {
  test("onnxruntime and eager start", async () => {
    for (const name of ["onnxruntime", "eager"] as const) {
      expect((await chooseEngine(name, { threads: 1 })).engine.name).toBe(name);
    }
  });

  test("a process of its own starts what is selected", async () => {
    const { name, found } = await selectEngine("onnxruntime");
    expect(name).toBe("onnxruntime");
    expect(found.title).toMatch(/^onnxruntime \d+\.\d+\.\d+ on the CPU$/);
  });

  test("every engine is described: its version, or what is missing", async () => {
    const descriptions = await describeEngines();
    expect(descriptions.map(({ name }) => name)).toEqual(engineNames);
    for (const description of descriptions) {
      if (description.isAvailable) expect(description.found.title).toMatch(/\d+\.\d+/);
      else expect(description.reason).not.toBe("");
    }
  });

  test("looking for them loads none of their libraries into the process", () => {
    const code = `
      import { Module } from "node:module";
      import { describeEngines } from "./workers/engine/select.ts";
      await describeEngines();
      const modules = Object.keys(Module._cache);
      const libraries = process.report.getReport().sharedObjects;
      console.log(JSON.stringify([...modules, ...libraries].filter((file) => /onnxruntime|tfjs|koffi|vulkan/.test(file))));
    `;
    const options = { cwd: packagePath("."), encoding: "utf8" } as const;
    const printed = execFileSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], options);
    expect(JSON.parse(printed)).toEqual([]);
  });
});
