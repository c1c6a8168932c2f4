// Advances a search: one round of its algorithm in one transaction, then the bells for what it proposed.
import type { Log } from "../../services/platform/log.ts";
import type { Queues } from "../../services/platform/queue.ts";
import type { Store } from "../../services/platform/store/store.ts";
import { decide } from "./decide.ts";

export async function advance(
  searchId: string,
  { store, queues, log }: { store: Store; queues: Pick<Queues, "enqueue">; log: Log },
): Promise<void> {
  for (;;) {
    const advanced = await store.advanceSearch(searchId, decide);
    if (advanced === null) return;
    const { search, waiting, again } = advanced;
    await queues.enqueue("evaluate", waiting);
    log.debug({ searchId, state: search.state, proposed: waiting.length }, "search advanced");
    if (!again) return;
  }
}
