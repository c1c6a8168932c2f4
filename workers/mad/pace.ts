// How many training steps to ask of the engine at a time, and how long one takes.

/** As many as take about half a second, so that progress shows and a signal is seen. The result does not depend on it. */
export class Pace {
  steps = 4;
  /** Milliseconds of a step in each call. */
  readonly #stepMs: number[] = [];

  /** @param steps that the call takes. */
  async time<Result>(steps: number, call: () => Promise<Result>): Promise<Result> {
    const start = performance.now();
    const result = await call();
    const elapsedMs = performance.now() - start;
    this.#stepMs.push(elapsedMs / steps);
    if (elapsedMs < 300) this.steps = Math.min(2 * this.steps, 1024);
    else if (elapsedMs > 1000) this.steps = Math.max(1, Math.floor(this.steps / 2));
    return result;
  }

  /** The median over the calls, the first one left out where there are more: an engine warms up. Null before any. */
  get stepMs(): number | null {
    const warm = this.#stepMs.length > 1 ? this.#stepMs.slice(1) : this.#stepMs;
    return [...warm].sort((a, b) => a - b)[warm.length >> 1] ?? null;
  }
}
