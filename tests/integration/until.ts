import { setTimeout as sleep } from "node:timers/promises";

/** Resolves once `condition` holds; rejects after `limitMs`, naming the condition. */
export async function until(condition: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms: ${condition.toString()}`);
    await sleep(20);
  }
}
