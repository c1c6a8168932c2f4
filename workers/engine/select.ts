// Which engine to use: the one that is asked for, or the fastest that this machine has.
//
// Nothing heavy is imported here: an API process may ask which engines there are.
import { EngineError } from "./errors.ts";
import { askProbe } from "./probe.ts";
import { type EngineName, type EngineSettings, type EngineSources, engineSources, type Found } from "./sources.ts";
import type { Engine } from "./types.ts";

export type { EngineName, EngineSettings, Found } from "./sources.ts";

const allSources: EngineSources = engineSources;

/** Fastest first: PJRT, CUDA, WebGPU, the processor, TensorFlow's library, plain JavaScript. */
export const engineNames = Object.keys(engineSources) as EngineName[];

export type EngineSetting = EngineName | "auto";

export interface EngineContext extends EngineSettings {
  /** What is looked through; every engine there is unless given. */
  readonly sources?: EngineSources;
  /** Starts an engine and forgets it; in a child process unless given, because a broken driver can end its process. */
  readonly tryStart?: (name: EngineName, settings: EngineSettings) => Promise<void>;
}

export interface PassedOver {
  readonly name: EngineName;
  readonly reason: string;
}

export interface Selection {
  readonly name: EngineName;
  readonly found: Found;
  /** The faster engines, and why it is none of them. */
  readonly passedOver: readonly PassedOver[];
}

export interface Choice extends Selection {
  readonly engine: Engine;
}

/**
 * Starts the engine of that name; for "auto" the first of `engineNames` that is here and starts, where a GPU that is
 * only software does not count. "auto" tries engines that load drivers in another process first.
 *
 * @throws EngineError naming what is missing and how to install it; for "auto", why it can be none of them.
 */
export async function chooseEngine(setting: EngineSetting, context: EngineContext = {}): Promise<Choice> {
  const { sources = allSources, tryStart = tryInChild } = context;
  const { started: engine, ...selection } = await firstToStart(setting, context, async (name, settings) => {
    if (setting === "auto" && sources[name].loadsDrivers) await tryStart(name, settings);
    return sources[name].start(settings);
  });
  return { ...selection, engine };
}

/**
 * What `chooseEngine` would start, without starting it in this process.
 *
 * @throws EngineError as `chooseEngine`.
 */
export async function selectEngine(setting: EngineSetting, context: EngineContext = {}): Promise<Selection> {
  const { started: _, ...selection } = await firstToStart(setting, context, context.tryStart ?? tryInChild);
  return selection;
}

async function firstToStart<Started>(
  setting: EngineSetting,
  { sources = allSources, tryStart: _, ...settings }: EngineContext,
  start: (name: EngineName, settings: EngineSettings) => Promise<Started>,
): Promise<Selection & { readonly started: Started }> {
  const passedOver: PassedOver[] = [];
  for (const name of setting === "auto" ? engineNames : [known(setting)]) {
    try {
      const found = await sources[name].find(settings);
      if (setting === "auto" && found.isSoftware) throw new EngineError(softwareOnly(found));
      return { name, found, passedOver, started: await start(name, settings) };
    } catch (error) {
      passedOver.push({ name, reason: messageOf(error) });
    }
  }
  const reasons = passedOver.map(({ name, reason }) => (setting === "auto" ? `${name}: ${reason}` : reason));
  throw new EngineError(`no engine for "${setting}": ${reasons.join("; ")}`);
}

const tryInChild = (name: EngineName, settings: EngineSettings) => askProbe("startEngine", { name, settings });

export type EngineDescription =
  | { readonly name: EngineName; readonly isAvailable: true; readonly found: Found }
  | { readonly name: EngineName; readonly isAvailable: false; readonly reason: string };

/** Every engine, here or not. None is started: what is found may still not start. */
export function describeEngines({
  sources = allSources,
  ...settings
}: EngineContext = {}): Promise<EngineDescription[]> {
  return Promise.all(
    engineNames.map(async (name): Promise<EngineDescription> => {
      try {
        return { name, isAvailable: true, found: await sources[name].find(settings) };
      } catch (error) {
        return { name, isAvailable: false, reason: messageOf(error) };
      }
    }),
  );
}

function known(name: string): EngineName {
  const found = engineNames.find((other) => other === name);
  if (found) return found;
  throw new EngineError(`there is no engine "${name}"; there are ${engineNames.join(", ")}`);
}

const softwareOnly = ({ device }: Found) =>
  `${device ?? "its device"} is software, slower than onnxruntime on the processor; it is used where asked for by name`;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
