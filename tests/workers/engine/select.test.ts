import { afterEach, expect, test, vi } from "vitest";
import { chooseEngine, describeEngines, engineNames } from "../../../workers/engine/select.ts";

afterEach(() => {
  vi.doUnmock("onnxruntime-node");
  vi.resetModules();
});

test.each(engineNames)("%s can be chosen by its name", async (name) => {
  expect((await chooseEngine(name, { threads: 1 })).name).toBe(name);
});

test("auto takes the fastest", async () => {
  expect((await chooseEngine("auto")).name).toBe("onnxruntime");
});

test("every engine is described with its version", async () => {
  const descriptions = await describeEngines();
  expect(descriptions.map(({ name }) => name)).toEqual(engineNames);
  for (const { isAvailable, detail } of descriptions) {
    expect(isAvailable).toBe(true);
    expect(detail).toMatch(/\d+\.\d+\.\d+/);
  }
});

test("a name that does not exist is refused with those that do", async () => {
  await expect(chooseEngine("abacus" as never)).rejects.toThrow(
    'there is no engine "abacus"; there are onnxruntime, eager',
  );
});

test("without onnxruntime's binary, its absence is explained and auto takes the next engine", async () => {
  vi.resetModules();
  vi.doMock("onnxruntime-node", () => {
    throw new Error("no binary for this platform");
  });
  const select = await import("../../../workers/engine/select.ts");
  const [onnxruntime] = await select.describeEngines();
  expect(onnxruntime).toMatchObject({ name: "onnxruntime", isAvailable: false });
  expect((await select.chooseEngine("auto")).name).toBe("eager");
  await expect(select.chooseEngine("onnxruntime")).rejects.toThrow('no engine for "onnxruntime"');
});
