// How many training steps to ask of the engine at a time.

/** As many as take about half a second, so that progress shows and a signal is seen. The result does not depend on it. */
export class Pace {
  steps = 4;

  async time<Result>(call: () => Promise<Result>): Promise<Result> {
    const start = performance.now();
    const result = await call();
    const elapsedMs = performance.now() - start;
    if (elapsedMs < 300) this.steps = Math.min(2 * this.steps, 1024);
    else if (elapsedMs > 1000) this.steps = Math.max(1, Math.floor(this.steps / 2));
    return result;
  }
}
