// Compares our code with records of the published code: every case of a folder laid out like the reference data,
// `<kind>/<system>/<case>.json` beside `<case>.safetensors`.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ReferenceRecord, ReferenceVerdict } from "../operators/reference-case.ts";
import { readSafetensors } from "../operators/safetensors.ts";
import { eagerEngine } from "./engine/eager.ts";
import type { Engine } from "./engine/types.ts";
import { compareMad } from "./mad/reference/data.ts";
import { compareOperator } from "./operator-parity.ts";
import { compareTraining } from "./training-parity.ts";

/** How the records of one kind (a folder) are compared. Throws where a record is malformed. */
type Comparison = (record: ReferenceRecord, engine: Engine) => Promise<ReferenceVerdict>;

const comparisons: Readonly<Record<string, Comparison>> = {
  operators: compareOperator,
  mad: compareMad,
  training: compareTraining,
};

export interface ParityResult extends ReferenceVerdict {
  readonly kind: string;
  readonly system: string;
  readonly case: string;
}

export interface ParityOptions {
  /** What computes; default the eager reference engine. */
  readonly engine?: Engine;
  /** Only these kinds; default all that the folder has. */
  readonly kinds?: readonly string[];
}

/** One result per case, in the order of their names. Throws where the folder holds no case at all. */
export async function* runParity(
  folder: string,
  { engine = eagerEngine(), kinds }: ParityOptions = {},
): AsyncGenerator<ParityResult> {
  let found = 0;
  for (const kind of await subfolders(folder)) {
    if (kinds && !kinds.includes(kind)) continue;
    for (const system of await subfolders(join(folder, kind))) {
      for (const name of await casesIn(join(folder, kind, system))) {
        found++;
        const verdict = await compareCase(join(folder, kind, system, name), { kind, system, case: name }, engine);
        yield { kind, system, case: name, ...verdict };
      }
    }
  }
  if (found === 0) throw new Error(`no cases in ${folder}: expected <kind>/<system>/<case>.json inside`);
}

async function compareCase(
  path: string,
  { kind, ...names }: { kind: string; system: string; case: string },
  engine: Engine,
): Promise<ReferenceVerdict> {
  const compare = comparisons[kind];
  if (!compare) return without("unsupported", `Records of kind "${kind}" are not compared.`);
  try {
    return await compare({ ...names, ...(await readRecord(path)) }, engine);
  } catch (error) {
    return without("fail", error instanceof Error ? error.message : String(error));
  }
}

/** The parts of a record that lie in its two files; an error names the file. */
async function readRecord(path: string): Promise<Pick<ReferenceRecord, "description" | "tensors">> {
  const description = await parsed(`${path}.json`, (bytes) => JSON.parse(new TextDecoder().decode(bytes)) as unknown);
  if (typeof description !== "object" || description === null || Array.isArray(description)) {
    throw new Error(`${path}.json: not a JSON object`);
  }
  const tensors = await parsed(`${path}.safetensors`, readSafetensors);
  return { description: description as ReferenceRecord["description"], tensors };
}

async function parsed<T>(file: string, parse: (bytes: Uint8Array) => T): Promise<T> {
  try {
    return parse(await readFile(file));
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

async function subfolders(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  const isFolder = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).isDirectory()));
  return names.filter((name, i) => isFolder[i] && !name.startsWith(".")).sort();
}

/** A case is there if either of its files is. */
async function casesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).flatMap((file) => /^(.+)\.(?:json|safetensors)$/.exec(file)?.[1] ?? []);
  return [...new Set(names)].sort();
}

function without(verdict: "fail" | "unsupported", detail: string): ReferenceVerdict {
  return { verdict, maxErrorY: null, maxErrorGradients: null, detail };
}
