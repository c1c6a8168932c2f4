// Data sets on disk: drawn once per setting and seed, then read from a folder that any number of processes share.
//
// A file is named by the hash of what it is drawn from, written beside its place and renamed into it, and checked
// against its own hash when read: whoever finds a damaged one draws it again.
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readSafetensors, type StoredTensor, writeSafetensors } from "../../operators/safetensors.ts";
import { type DataSet, generateDataSet, type Split } from "./generate.ts";
import type { TaskSetting } from "./settings.ts";

/** Part of every key; raised when a generator's output changes. */
const generatorVersion = 1;
const splits = ["train", "test", "validation"] as const;
/** A writer that died leaves a file of this age behind. */
const abandonedMs = 3_600_000;

export interface CacheOptions {
  readonly folder: string;
  /** Least recently used files go when the folder holds more. */
  readonly maxBytes?: number;
  readonly validationExamples?: number;
  readonly signal?: AbortSignal | undefined;
  /** Told when the folder cannot be written; the data set is returned all the same. */
  readonly onWriteError?: ((error: unknown) => void) | undefined;
}

export async function loadDataSet(setting: TaskSetting, seed: number, options: CacheOptions): Promise<DataSet> {
  const { folder, maxBytes = 8 * 2 ** 30, validationExamples = 0, signal } = options;
  const key = dataSetKey(setting, seed, validationExamples);
  const path = join(folder, `${setting.task}-${digest(key).slice(0, 32)}.safetensors`);
  const stored = await readDataSet(path, key);
  if (stored) return stored;

  const { data } = await generateDataSet(setting, seed, { validationExamples, signal });
  try {
    await writeDataSet(path, key, data);
    await keepWithin(folder, maxBytes, path);
  } catch (error) {
    options.onWriteError?.(error);
  }
  return data;
}

/** Everything that decides the content, as text. */
export function dataSetKey(setting: TaskSetting, seed: number, validationExamples: number): string {
  const { task, ...rest } = setting;
  const difficulty = Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ generatorVersion, task, difficulty, seed, validationExamples });
}

/** Null where there is no file that can be read, or one that is damaged or of another key. */
async function readDataSet(path: string, key: string): Promise<DataSet | null> {
  const bytes = await readFile(path).catch(() => null); // if the folder is at fault, writing to it will tell
  const data = bytes && parseDataSet(new Uint8Array(bytes), key);
  if (data) await utimes(path, new Date(), new Date()).catch(() => undefined); // marks it as used; it may be gone by now
  return data;
}

/** 32 bytes of SHA-256 before the safetensors file that they are taken of. */
function parseDataSet(bytes: Uint8Array, key: string): DataSet | null {
  const content = bytes.subarray(32);
  const hash = createHash("sha256").update(key).update(content).digest();
  if (!hash.equals(bytes.subarray(0, 32))) return null;
  const tensors = readSafetensors(content.slice());
  const rowsOf = (name: string) => tensors[name]?.values as Int32Array<ArrayBuffer>;
  const split = (name: string): Split => ({
    examples: tensors[`${name}.inputs`]?.shape[0] as number,
    inputs: rowsOf(`${name}.inputs`),
    targets: rowsOf(`${name}.targets`),
  });
  const tokens = tensors["train.inputs"]?.shape[1] as number;
  const [vocabulary = 0] = rowsOf("vocabulary");
  return { tokens, vocabulary, train: split("train"), test: split("test"), validation: split("validation") };
}

async function writeDataSet(path: string, key: string, data: DataSet): Promise<void> {
  const tensors: Record<string, StoredTensor> = {
    vocabulary: { dtype: "I32", shape: [1], values: Int32Array.of(data.vocabulary) },
  };
  for (const name of splits) {
    const { examples, inputs, targets } = data[name];
    tensors[`${name}.inputs`] = { dtype: "I32", shape: [examples, data.tokens], values: inputs };
    tensors[`${name}.targets`] = { dtype: "I32", shape: [examples, data.tokens], values: targets };
  }
  const content = writeSafetensors(tensors);
  const hash = createHash("sha256").update(key).update(content).digest();
  await mkdir(join(path, ".."), { recursive: true });
  const beside = `${path}.${randomUUID()}.part`;
  try {
    await writeFile(beside, [hash, content]);
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

/** Deletes the least recently used files until the folder fits, but never `kept`. */
async function keepWithin(folder: string, maxBytes: number, kept: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".safetensors") || name.endsWith(".part"));
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const found = await stat(path).catch(() => null); // another process may have deleted it
      return { path, bytes: found?.size ?? 0, usedAt: found?.mtimeMs ?? 0 };
    }),
  );
  const finished = files.filter(({ path }) => !path.endsWith(".part"));
  const abandoned = files.filter(({ path, usedAt }) => path.endsWith(".part") && Date.now() - usedAt > abandonedMs);
  for (const { path } of abandoned) await rm(path, { force: true });

  let total = finished.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { path, bytes } of finished.sort((a, b) => a.usedAt - b.usedAt)) {
    if (total <= maxBytes) return;
    if (path === kept) continue;
    await rm(path, { force: true });
    total -= bytes;
  }
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
