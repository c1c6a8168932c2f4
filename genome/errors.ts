/**
 * A genome, or a search space, that cannot mean a model. The message says which segment (counted from 1), which value
 * and what is allowed.
 */
export class GenomeError extends Error {
  override readonly name = "GenomeError";
  /** JSON pointer to the offending value inside the genome (counted from 0), e.g. `/segments/3/liv`. */
  readonly pointer: string;

  constructor(message: string, pointer = "") {
    super(message);
    this.pointer = pointer;
  }
}
