// The engine on a PJRT plugin: a step is lowered to one StableHLO module, compiled by XLA and run K steps per call.
import { realpath, stat } from "node:fs/promises";
import { failure } from "../errors.ts";
import { noComposites } from "../stablehlo/composites.ts";
import { tritonComposites } from "../stablehlo/kernels/composites.ts";
import { type Precision, stableHloProgram } from "../stablehlo/program.ts";
import type { Engine, Step, Values } from "../types.ts";
import { checkStep, checkValues } from "../values.ts";
import { cacheKey, ExecutableCache } from "./cache.ts";
import { PjrtClient } from "./client.ts";
import { compileOptions, type XlaFlags } from "./compile-options.ts";
import { PjrtExecutable } from "./executable.ts";
import { findPlugin } from "./find-plugin.ts";
import { PjrtLibrary } from "./library.ts";
import type { Lower } from "./lowered.ts";
import { PjrtProgram } from "./program.ts";

export interface PjrtEngineOptions {
  /** The plugin's library; see `findPlugin` for where it is looked for. */
  readonly plugin?: string | undefined;
  /** The part of the device's memory that may be taken, in (0, 1]; the plugin's own default unless given. */
  readonly memoryFraction?: number | undefined;
  /** "auto", the default: bfloat16 on a GPU, else float32. */
  readonly precision?: Precision | "auto" | undefined;
  /** Where compiled executables are kept between processes; nowhere unless given. */
  readonly cacheFolder?: string | undefined;
  readonly cacheLimitBytes?: number | undefined;
  /** Most steps in one call of the device; longer runs are split. Default 100. */
  readonly capacity?: number | undefined;
  /** The device's number on this machine; default 0. */
  readonly device?: number | undefined;
  readonly flags?: XlaFlags | undefined;
  /** How a step becomes a module; default `stableHloProgram`. */
  readonly lower?: Lower | undefined;
}

export interface PjrtEngine extends Engine {
  readonly client: PjrtClient;
  compile(step: Step, initial: { readonly state: Values; readonly constants: Values }): Promise<PjrtProgram>;
}

const defaultCapacity = 100;

/**
 * One client of the device; a process wants no more than one. Compilations run beside trainings.
 *
 * @throws EngineError where there is no plugin, or no device that it can use.
 */
export async function pjrtEngine(options: PjrtEngineOptions = {}): Promise<PjrtEngine> {
  const { lower = stableHloProgram, capacity = defaultCapacity } = options;
  const { cacheFolder, cacheLimitBytes } = options;
  const library = new PjrtLibrary(await findPlugin(options.plugin));
  const client = await PjrtClient.create(library, options);
  const { composites, precision, tokenMultiple } = habitsOf(client.platform, options.precision);
  const identity = await identityOf(client);
  const xlaOptions = compileOptions(options.flags);
  const cache = cacheFolder === undefined ? undefined : new ExecutableCache(cacheFolder, cacheLimitBytes);

  const executableOf = async (text: string): Promise<PjrtExecutable> => {
    const key = cacheKey([identity, xlaOptions, text]);
    const known = await cache?.get(key);
    // What the plugin does not take any more is compiled again.
    const loaded = known && (await PjrtExecutable.load(client, known).catch(() => undefined));
    if (loaded) return loaded;
    const executable = await PjrtExecutable.compile(client, text, xlaOptions);
    // A full disk must not stop a training.
    if (cache) await store(cache, key, executable).catch(() => undefined);
    return executable;
  };

  return {
    name: "pjrt",
    isQueued: true,
    tokenMultiple,
    client,
    async compile(step, initial) {
      checkStep(step);
      checkValues(step, "state", step.state, initial.state);
      checkValues(step, "constant", step.constants, initial.constants);
      const lowered = lower(step, { precision, capacity, composites });
      const executable = await compiled(step, () => executableOf(lowered.text));
      return new PjrtProgram(client, step, lowered, capacity, executable, initial);
    },
  };
}

/** What a kind of device is good at. */
function habitsOf(platform: string, precision: PjrtEngineOptions["precision"] = "auto") {
  const isGpu = gpus.has(platform);
  return {
    composites: platform === "cuda" ? tritonComposites : noComposites,
    precision: precision === "auto" ? (isGpu ? "bfloat16" : "float32") : precision,
    tokenMultiple: isGpu ? 8 : 1, // rows of 16 bytes: what tensor cores read
  } as const;
}

const gpus: ReadonlySet<string> = new Set(["cuda", "rocm"]);

async function store(cache: ExecutableCache, key: string, executable: PjrtExecutable): Promise<void> {
  await cache.put(key, executable.serialize());
}

async function compiled(step: Step, compile: () => Promise<PjrtExecutable>): Promise<PjrtExecutable> {
  try {
    return await compile();
  } catch (error) {
    throw failure(step.name, "the PJRT plugin refused the compiled step", error);
  }
}

/** An executable is good for the same plugin on the same kind of device. */
async function identityOf({ library, platform, platformVersion, deviceKind }: PjrtClient): Promise<string> {
  const file = await realpath(library.file);
  const { size, mtimeMs } = await stat(file);
  const { XLA_FLAGS = "" } = process.env;
  return JSON.stringify([file, size, mtimeMs, library.version, platform, platformVersion, deviceKind, XLA_FLAGS]);
}
