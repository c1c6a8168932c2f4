import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { loadDataSet } from "../../../workers/mad/dataset.ts";
import { generateDataSet } from "../../../workers/mad/generate.ts";
import { baselineOf, type TaskSetting } from "../../../workers/mad/settings.ts";

const setting: TaskSetting = { ...baselineOf("compression"), length: 10, trainExamples: 6, testExamples: 4 };
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "data sets "));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const drawn = async (seed = 1, validationExamples = 0) =>
  (await generateDataSet(setting, seed, { validationExamples })).data;
const files = async () => (await readdir(folder)).map((name) => join(folder, name));

test("what is read is what was drawn", async () => {
  const first = await loadDataSet(setting, 1, { folder, validationExamples: 3 });
  const second = await loadDataSet(setting, 1, { folder, validationExamples: 3 });
  expect(first).toEqual(await drawn(1, 3));
  expect(second).toEqual(first);
  expect(await files()).toHaveLength(1);
});

test("a stored set is read, not drawn again", async () => {
  await loadDataSet(setting, 1, { folder });
  const [file = ""] = await files();
  await utimes(file, new Date(0), new Date(0));
  const { ino } = await stat(file);
  await loadDataSet(setting, 1, { folder });
  const after = await stat(file);
  expect(after.ino).toBe(ino);
  expect(after.mtimeMs).toBeGreaterThan(0); // and marked as used
});

test("setting, seed and splits have files of their own", async () => {
  await loadDataSet(setting, 1, { folder });
  await loadDataSet(setting, 2, { folder });
  await loadDataSet({ ...setting, vocabulary: 17 }, 1, { folder });
  await loadDataSet(setting, 1, { folder, validationExamples: 2 });
  expect(await files()).toHaveLength(4);
});

test.each([
  ["cut short", (file: string) => truncate(file, 300)],
  ["empty", (file: string) => truncate(file, 0)],
  ["changed in one bit", flipLastBit],
  ["overwritten by something else", (file: string) => writeFile(file, "not a data set")],
])("a file that is %s is drawn again and mended", async (_name, damage) => {
  await loadDataSet(setting, 1, { folder });
  const [file = ""] = await files();
  const good = await readFile(file);
  await damage(file);
  expect(await loadDataSet(setting, 1, { folder })).toEqual(await drawn());
  expect(await readFile(file)).toEqual(good);
});

test("a file under another key's name is not taken for it", async () => {
  await loadDataSet(setting, 1, { folder });
  const [one = ""] = await files();
  await loadDataSet(setting, 2, { folder });
  const two = (await files()).find((file) => file !== one) as string;
  await writeFile(two, await readFile(one));
  expect(await loadDataSet(setting, 2, { folder })).toEqual(await drawn(2));
});

test("several loaders at once get the same set and leave one file and nothing half-written", async () => {
  const loaded = await Promise.all(Array.from({ length: 6 }, () => loadDataSet(setting, 1, { folder })));
  for (const data of loaded) expect(data).toEqual(loaded[0]);
  expect(await files()).toHaveLength(1);
});

test("the folder is kept within its size, the least recently used files going first", async () => {
  await loadDataSet(setting, 1, { folder });
  const bytes = (await stat((await files())[0] as string)).size;
  await loadDataSet(setting, 2, { folder });
  for (const file of await files()) await utimes(file, new Date(0), new Date(0));
  await loadDataSet(setting, 1, { folder }); // used again
  const [used] = await newest();
  await loadDataSet(setting, 3, { folder, maxBytes: 2 * bytes });
  const left = await files();
  expect(left).toHaveLength(2);
  expect(left).toContain(used);
});

test("a set larger than the whole folder may be is still written and returned", async () => {
  expect(await loadDataSet(setting, 1, { folder, maxBytes: 1 })).toEqual(await drawn());
  expect(await files()).toHaveLength(1);
});

test("what a dead writer left behind is cleared, what a living one writes is not", async () => {
  const [old, young] = [join(folder, "a.part"), join(folder, "b.part")];
  await writeFile(old, "x");
  await utimes(old, new Date(0), new Date(0));
  await writeFile(young, "x");
  await loadDataSet(setting, 1, { folder });
  expect(await files()).toContain(young);
  expect(await files()).not.toContain(old);
});

test("a folder that cannot be written costs the cache, not the data set", async () => {
  const blocked = join(folder, "blocked");
  await writeFile(blocked, "a file where the folder should be");
  const onWriteError = vi.fn();
  expect(await loadDataSet(setting, 1, { folder: join(blocked, "inside"), onWriteError })).toEqual(await drawn());
  expect(onWriteError).toHaveBeenCalledOnce();
});

test("drawing gives way to a signal", async () => {
  const large = { ...baselineOf("fuzzy-in-context-recall"), vocabulary: 64 };
  const signal = AbortSignal.timeout(100);
  await expect(loadDataSet(large, 1, { folder, signal })).rejects.toThrow(/abort|timeout/i);
  await mkdir(folder, { recursive: true });
  expect(await files()).toHaveLength(0);
});

async function flipLastBit(file: string): Promise<void> {
  const bytes = await readFile(file);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(file, bytes);
}

async function newest(): Promise<string[]> {
  const found = await Promise.all((await files()).map(async (file) => ({ file, at: (await stat(file)).mtimeMs })));
  return found.sort((a, b) => b.at - a.at).map(({ file }) => file);
}
