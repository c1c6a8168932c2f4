/** Exit codes of the command line, the same for every command. */
export const exitCodes = {
  done: 0,
  /** Wrong usage, bad input, no connection, an answer that is an error. */
  error: 1,
  /** The search ended as failed, or a check did not hold. */
  failed: 2,
  /** The search was cancelled. */
  cancelled: 3,
  interrupted: 130,
} as const;

/** An error whose message is all a person needs: printed without a stack. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.error) {
    super(message);
    this.exitCode = exitCode;
  }
}
