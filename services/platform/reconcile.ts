// Rings every bell that should be ringing. Run at start and every few seconds by any number of processes, it makes the
// queue a mere shortcut: wipe it, and what was in it is back after one interval.
import { setTimeout as sleep } from "node:timers/promises";
import { hasCode } from "./errors.ts";
import type { Log } from "./log.ts";
import type { Queues } from "./queue.ts";
import type { Store } from "./store/store.ts";

/** More evaluations than this need not wait in the queue at once. */
const ringLimit = 1000;

export interface Reconciled {
  /** Searches stopped because their wall-clock budget is used up. */
  readonly overdue: readonly string[];
  /** Evaluations whose lease ran out: they wait again. */
  readonly returned: readonly string[];
  /** Evaluations whose last lease ran out. */
  readonly failed: readonly string[];
  /** Searches rung for. */
  readonly advance: readonly string[];
  /** Evaluations rung for. */
  readonly evaluate: readonly string[];
}

type ReconcileStore = Pick<
  Store,
  "changeSearchState" | "listDueSearches" | "listOverdueSearches" | "listWaitingEvaluations" | "sweepExpiredLeases"
>;

/** Without `sweep`, leases that ran out stay as they are. */
export async function reconcile(
  store: ReconcileStore,
  queues: Pick<Queues, "enqueue">,
  { sweep = true }: { sweep?: boolean } = {},
): Promise<Reconciled> {
  const overdue = await store.listOverdueSearches();
  for (const id of overdue) await stopOverdue(store, id);
  const { waiting: returned, failed } = sweep ? await store.sweepExpiredLeases() : { waiting: [], failed: [] };
  const advance = await store.listDueSearches();
  const evaluate = await store.listWaitingEvaluations({ limit: ringLimit });
  await queues.enqueue("advance", advance);
  await queues.enqueue("evaluate", evaluate);
  return { overdue, returned, failed, advance, evaluate };
}

/** Another reconciler, or a person, may have been faster. */
async function stopOverdue(store: Pick<Store, "changeSearchState">, id: string): Promise<void> {
  try {
    await store.changeSearchState(id, "stopping", "the wall-clock budget is used up");
  } catch (error) {
    if (!hasCode(error, "SEARCH_FINISHED") && !hasCode(error, "SEARCH_STATE_CONFLICT")) throw error;
  }
}

/** Rings for one search at once: after it was created, resumed or stopped. */
export async function ringSearch(
  store: Pick<Store, "listWaitingEvaluations">,
  queues: Pick<Queues, "enqueue">,
  searchId: string,
): Promise<void> {
  await queues.enqueue("advance", searchId);
  await queues.enqueue("evaluate", await store.listWaitingEvaluations({ limit: ringLimit, searchId }));
}

/**
 * Reconciles now and every `intervalSeconds` until stopped; a round that fails is logged and the next one tries again.
 *
 * After the database was away no lease is taken back for `leaseSeconds`: workers could not renew them, and now renew
 * them or write what they have finished.
 */
export function startReconciler(
  store: ReconcileStore,
  queues: Pick<Queues, "enqueue">,
  { intervalSeconds, leaseSeconds, log }: { intervalSeconds: number; leaseSeconds: number; log: Log },
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let wasAway = false;
  let sweepFrom = 0;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const sweep = !wasAway && performance.now() >= sweepFrom;
        const { overdue, returned, failed } = await reconcile(store, queues, { sweep });
        if (wasAway) sweepFrom = performance.now() + 1000 * leaseSeconds;
        wasAway = false;
        for (const searchId of overdue) log.info({ searchId }, "search stopped: wall-clock budget used up");
        for (const evaluationId of returned) log.warn({ evaluationId }, "lease ran out, evaluation waits again");
        for (const evaluationId of failed) log.warn({ evaluationId }, "lease ran out, evaluation failed");
      } catch (error) {
        if (hasCode(error, "DATABASE_UNAVAILABLE")) wasAway = true;
        log.warn({ err: error }, "reconcile failed");
      }
      await sleep(intervalSeconds * 1000, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
