// A worker without training: advances searches by proposing numbered candidates, and scores evaluations by their seed.
// It uses the store and the queues as real workers do.
import type { Queues, QueueWorker } from "../../services/platform/queue.ts";
import type { Store } from "../../services/platform/store/store.ts";
import { proposal, scored } from "./store.ts";

export interface ToyWorker {
  readonly finished: string[];
  close(): Promise<void>;
}

export function startToyWorker(
  store: Store,
  queues: Queues,
  { name = "toy", atOnce = 4, leaseSeconds = 30 }: { name?: string; atOnce?: number; leaseSeconds?: number } = {},
): ToyWorker {
  const finished: string[] = [];

  async function advance(searchId: string): Promise<void> {
    const advanced = await store.advanceSearch(searchId, ({ search, unfinished, remaining, nextNumber }) => {
      const busy = unfinished.waiting + unfinished.running;
      const count = Math.max(0, Math.min(remaining, atOnce - busy));
      const proposals = Array.from({ length: count }, (_, n) => proposal(`${search.id} ${nextNumber + n}`));
      const over = busy === 0 && count === 0 && search.state !== "paused";
      return { algorithmState: {}, proposals, ...(over && { end: { state: "completed", reason: null } }) };
    });
    await queues.enqueue("evaluate", advanced?.waiting ?? []);
    if (advanced?.again) await queues.enqueue("advance", searchId);
  }

  async function evaluate(evaluationId: string): Promise<void> {
    const lease = await store.leaseEvaluation(evaluationId, name, leaseSeconds);
    if (lease === null) return;
    const settled = await store.finishEvaluation(lease, scored((lease.number % 10) / 10));
    if (settled === null) return;
    finished.push(evaluationId);
    await queues.enqueue("advance", settled.searchIds);
  }

  const workers: QueueWorker[] = [
    queues.work("advance", advance, { concurrency: 1 }),
    queues.work("evaluate", evaluate, { concurrency: 2 }),
  ];
  return {
    finished,
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}
