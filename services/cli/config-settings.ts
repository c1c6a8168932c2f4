// Settings of a SearchConfig as a person types them: `budget.candidates=100`. The API judges what comes out.
import { CliError } from "./errors.ts";

type Branch = Record<string, unknown>;

/** A changed copy. The last of several settings of one key counts. */
export function applySettings(config: object, settings: readonly string[]): Branch {
  const changed = structuredClone(config) as Branch;
  for (const setting of settings) {
    const at = setting.indexOf("=");
    const keys = setting.slice(0, Math.max(0, at)).split(".");
    if (keys.includes("")) throw new CliError(`Cannot read the setting "${setting}": it should look like key=value.`);
    let branch = changed;
    for (const key of keys.slice(0, -1)) branch = branchAt(branch, key, setting);
    // Defined, not assigned, so that `__proto__` is a key like any other and the API refuses it.
    define(branch, keys.at(-1) ?? "", readValue(setting.slice(at + 1)));
  }
  return changed;
}

function branchAt(parent: Branch, key: string, setting: string): Branch {
  const found = Object.hasOwn(parent, key) ? parent[key] : undefined;
  if (found === undefined || found === null) return define(parent, key, {}) as Branch;
  if (typeof found !== "object") throw new CliError(`Cannot apply "${setting}": ${key} is ${JSON.stringify(found)}.`);
  return found as Branch;
}

function define(branch: Branch, key: string, value: unknown): unknown {
  Object.defineProperty(branch, key, { value, writable: true, enumerable: true, configurable: true });
  return value;
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
