/** A step that cannot be compiled or run, or a program used wrongly; the message names the step and the place. */
export class EngineError extends Error {
  override readonly name = "EngineError";
}

/** Adds the name of a step to whatever went wrong inside it. */
export function failure(step: string, doing: string, cause: unknown): EngineError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new EngineError(`${step}: ${doing}: ${message}`, { cause });
}
