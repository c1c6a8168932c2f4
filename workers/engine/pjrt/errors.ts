// What a plugin answers when it cannot do something.
import { EngineError } from "../errors.ts";
import type { ErrorCode } from "./table.ts";

/** The message holds the plugin's own words and its code; RESOURCE_EXHAUSTED is a device out of memory. */
export class PjrtError extends EngineError {
  readonly code: ErrorCode;

  constructor(entry: string, code: ErrorCode, message: string) {
    super(`${entry}: ${code}: ${message}`);
    this.code = code;
  }
}

/** Adds the line of the module that MLIR's message points at. */
export function withModuleLine(error: unknown, module: string): unknown {
  if (!(error instanceof PjrtError)) return error;
  const [, line] = /:(\d+):\d+: error/.exec(error.message) ?? [];
  const source = line === undefined ? undefined : module.split("\n")[Number(line) - 1];
  return source === undefined
    ? error
    : new EngineError(`${error.message}\n${line} | ${source.trim()}`, { cause: error });
}
