// Compiled executables on disk: compiling takes ten seconds, loading a twentieth of one.
//
// A file is a digest of what follows, then the executable. What is cut short or changed is not handed to the plugin,
// which would end the process.
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";

const suffix = ".executable";
const digestBytes = 32;
const defaultLimitBytes = 4 * 2 ** 30;

export class ExecutableCache {
  readonly #folder: string;
  readonly #limitBytes: number;

  constructor(folder: string, limitBytes = defaultLimitBytes) {
    this.#folder = folder;
    this.#limitBytes = limitBytes;
  }

  /** Undefined where there is none or it is damaged; a damaged one is removed. */
  async get(key: string): Promise<Uint8Array | undefined> {
    const file = this.#fileOf(key);
    const content = await readFile(file).catch(() => undefined);
    if (!content) return undefined;
    const executable = content.subarray(digestBytes);
    if (!digestOf(executable).equals(content.subarray(0, digestBytes))) {
      await this.remove(key);
      return undefined;
    }
    const now = new Date();
    await utimes(file, now, now).catch(() => undefined);
    return executable;
  }

  /** Whole or not at all. Then removes what was used longest ago until all fits the limit. */
  async put(key: string, executable: Uint8Array): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const unfinished = join(this.#folder, `${randomUUID()}.part`);
    try {
      await writeFile(unfinished, Buffer.concat([digestOf(executable), executable]));
      await rename(unfinished, this.#fileOf(key));
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
    await this.#shrink();
  }

  async remove(key: string): Promise<void> {
    await rm(this.#fileOf(key), { force: true });
  }

  async #shrink(): Promise<void> {
    const names = (await readdir(this.#folder)).filter((name) => name.endsWith(suffix));
    const looked = names.map(async (name) => {
      const file = join(this.#folder, name);
      const found = await stat(file).catch(() => undefined); // another process may have removed it
      return found ? [{ file, bytes: found.size, usedMs: found.mtimeMs }] : [];
    });
    const files = (await Promise.all(looked)).flat().sort((a, b) => b.usedMs - a.usedMs);
    let total = 0;
    for (const { file, bytes } of files) {
      total += bytes;
      if (total > this.#limitBytes) await rm(file, { force: true });
    }
  }

  #fileOf(key: string): string {
    return join(this.#folder, `${key}${suffix}`);
  }
}

/** Everything that decides what comes out of the compiler. */
export function cacheKey(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest("hex");
}

function digestOf(content: Uint8Array): Buffer {
  return createHash("sha256").update(content).digest();
}
