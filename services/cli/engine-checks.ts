// The engines in what `starling doctor` says: each with its device or why it is not to be had, and which one is chosen.
import {
  describeEngines,
  type EngineContext,
  type EngineDescription,
  type EngineSetting,
  type Found,
  type Selection,
  selectEngine,
} from "../../workers/engine/select.ts";
import { bytes } from "./output.ts";

export interface Check {
  readonly what: string;
  readonly isGood: boolean;
  readonly detail: string;
}

export interface EngineChecks {
  /** One for each engine, and the last for the choice. */
  readonly checks: readonly Check[];
  readonly engines: readonly EngineDescription[];
  /** Null where no engine can be used. */
  readonly selection: Selection | null;
}

export async function checkEngines(setting: string, context: EngineContext): Promise<EngineChecks> {
  const engines = await describeEngines(context);
  const what = "chosen engine";
  try {
    const selection = await selectEngine(setting as EngineSetting, context);
    const chosen = { what, isGood: true, detail: `${selection.name}, ${why(setting, selection)}` };
    return { checks: [...engines.map((engine) => engineCheck(engine, selection)), chosen], engines, selection };
  } catch (error) {
    const chosen = { what, isGood: false, detail: error instanceof Error ? error.message : String(error) };
    return { checks: [...engines.map((engine) => engineCheck(engine)), chosen], engines, selection: null };
  }
}

function engineCheck(engine: EngineDescription, selection?: Selection): Check {
  const what = `engine ${engine.name}`;
  if (!engine.isAvailable) return { what, isGood: false, detail: engine.reason };
  const passedOver = selection?.passedOver.find(({ name }) => name === engine.name);
  if (passedOver) return { what, isGood: false, detail: `${engine.found.title}: ${passedOver.reason}` };
  return { what, isGood: true, detail: foundText(engine.found) };
}

function foundText({ title, device, memoryBytes }: Found): string {
  const memory = memoryBytes === undefined ? undefined : `${bytes(memoryBytes)} memory`;
  return [title, device, memory].filter((part) => part !== undefined).join(", ");
}

function why(setting: string, { passedOver }: Selection): string {
  if (setting !== "auto") return `because STARLING_ENGINE=${setting}`;
  if (passedOver.length === 0) return "the fastest there is (STARLING_ENGINE=auto)";
  const others = passedOver.map(({ name }) => name).join(", ");
  return `the fastest here (STARLING_ENGINE=auto); why not ${others} stands above`;
}
