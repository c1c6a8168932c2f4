// What `starling doctor` says of the engines, on machines made of stand-ins.
import { expect, test } from "vitest";
import { checkEngines } from "../../../services/cli/engine-checks.ts";
import { engineNames } from "../../../workers/engine/select.ts";
import type { EngineSource, EngineSources, Found } from "../../../workers/engine/sources.ts";

const GiB = 2 ** 30;

/** A machine that has these; starting the broken ones fails. */
function machine(found: Partial<Record<keyof EngineSources, Found>>, broken: readonly string[] = []) {
  const entries = engineNames.map((name): [string, EngineSource] => [
    name,
    {
      async find() {
        const here = found[name];
        if (!here) throw new Error(`${name} is not installed; install it by: install ${name}`);
        return here;
      },
      start: () => Promise.reject(new Error("doctor starts nothing in its own process")),
    },
  ]);
  const tryStart = async (name: string) => {
    if (broken.includes(name)) throw new Error("the driver is too old");
  };
  return { sources: Object.fromEntries(entries) as unknown as EngineSources, tryStart };
}

const processor = { onnxruntime: { title: "onnxruntime 1.30.0 on the CPU" }, eager: { title: "TensorFlow.js 4.22.0" } };
const webgpu = { title: "onnxruntime 1.30.0 on WebGPU", device: "NVIDIA H100", memoryBytes: 80 * GiB };

test("every engine has a line, with its device and memory or with what to install; the last says which is taken", async () => {
  const { checks, selection } = await checkEngines("auto", machine({ ...processor, webgpu }));
  expect(checks.map(({ what, isGood, detail }) => `${what} ${isGood ? "ok" : "no"} ${detail}`)).toEqual([
    "engine pjrt no pjrt is not installed; install it by: install pjrt",
    "engine cuda no cuda is not installed; install it by: install cuda",
    "engine webgpu ok onnxruntime 1.30.0 on WebGPU, NVIDIA H100, 80.0 GiB memory",
    "engine onnxruntime ok onnxruntime 1.30.0 on the CPU",
    "engine tfjs-node no tfjs-node is not installed; install it by: install tfjs-node",
    "engine eager ok TensorFlow.js 4.22.0",
    "chosen engine ok webgpu, the fastest here (STARLING_ENGINE=auto); why not pjrt, cuda stands above",
  ]);
  expect(selection).toMatchObject({ name: "webgpu", found: webgpu });
});

test("an engine that is here but does not start says why not", async () => {
  const { checks, selection } = await checkEngines("auto", machine({ ...processor, webgpu }, ["webgpu"]));
  expect(checks[2]).toEqual({
    ...{ what: "engine webgpu", isGood: false },
    detail: "onnxruntime 1.30.0 on WebGPU: the driver is too old",
  });
  expect(selection?.name).toBe("onnxruntime");
});

test("an engine that was asked for is taken for that reason", async () => {
  const { checks } = await checkEngines("eager", machine(processor));
  expect(checks.at(-1)).toEqual({
    what: "chosen engine",
    isGood: true,
    detail: "eager, because STARLING_ENGINE=eager",
  });
});

test("an engine that was asked for and is not here is a failure that says how to install it", async () => {
  const { checks, selection } = await checkEngines("cuda", machine(processor));
  expect(selection).toBeNull();
  expect(checks.at(-1)).toEqual({
    ...{ what: "chosen engine", isGood: false },
    detail: 'no engine for "cuda": cuda is not installed; install it by: install cuda',
  });
});
