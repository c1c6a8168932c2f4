// Workers on a real store whose training is simulated: real decisions, leases and results, without a queue.
import { beginSearch, Random, type SearchConfig } from "../../genome/index.ts";
import { silentLog } from "../../services/platform/log.ts";
import { maxAttempts } from "../../services/platform/store/leases.ts";
import type { Store } from "../../services/platform/store/store.ts";
import type { Candidate, LeasedEvaluation } from "../../services/platform/store/types.ts";
import { advance } from "../advance/advance.ts";
import type { EvaluationSetting } from "../mad/profiles.ts";
import { simulateEvaluation } from "./evaluation.ts";

export interface Team {
  readonly workers?: number;
  /** Of the order in which evaluations are taken, of deaths and deliveries. */
  readonly seed?: number;
  /** Share of leases whose worker dies, and delivers once more when it is too late. The last attempt is spared. */
  readonly lost?: number;
  /** Share of evaluations that two workers are told of, and of results that are delivered twice. */
  readonly repeated?: number;
}

export interface Work {
  readonly lostLeases: number;
  /** Late results and second deliveries, all of which the store must refuse. */
  readonly refused: number;
}

export async function beginOnStore(store: Store, config: SearchConfig): Promise<string> {
  const { search } = await store.createSearch({ config, algorithmState: beginSearch(config), apiKeyId: "simulation" });
  return search.id;
}

/**
 * Works on a search until it ends. Everything that waits is taken before the search advances, so the statements of a
 * generation do not depend on who is quicker.
 *
 * @param onAdvance is called after each advance.
 */
export async function workOnStore(
  store: Store,
  searchId: string,
  { workers = 1, seed = 0, lost = 0, repeated = 0 }: Team = {},
  onAdvance: () => void | Promise<void> = () => undefined,
): Promise<Work> {
  const random = new Random(`${seed}/team`);
  let bells: string[] = [];
  const late: LeasedEvaluation[] = [];
  let refused = 0;
  let lostLeases = 0;
  const queues = {
    enqueue: async (_: string, ids: string | readonly string[]) => {
      bells.push(...[ids].flat());
      return true;
    },
  };

  async function take(id: string): Promise<void> {
    const isLost = random.chance(lost);
    const isRepeated = random.chance(repeated);
    const lease = await store.leaseEvaluation(id, "simulated", isLost ? 0.001 : 600);
    if (lease === null) return;
    if (isLost && lease.attempt < maxAttempts) {
      lostLeases += 1;
      late.push(lease);
      return;
    }
    await deliver(lease);
    if (isRepeated && (await deliver(lease)) === null) refused += 1;
  }

  function deliver(lease: LeasedEvaluation) {
    const setting = lease.setting as unknown as EvaluationSetting;
    const simulated = simulateEvaluation(lease, setting, lease);
    return store.finishEvaluation(lease, { ...simulated, metrics: {}, curve: [], engine: "simulated", stepMs: null });
  }

  /** Its lease ran out before `sweepExpiredLeases`: the result comes too late, also where nobody has taken over. */
  async function wakeTheDead(): Promise<void> {
    bells.push(...(await store.sweepExpiredLeases()).waiting);
    for (const lease of late.splice(0)) if ((await deliver(lease)) === null) refused += 1;
  }

  for (;;) {
    await advance(searchId, { store, queues, log: silentLog });
    await onAdvance();
    if (bells.length === 0) return { refused, lostLeases };
    while (bells.length > 0) {
      const taken = random.shuffle(bells.flatMap((id) => (random.chance(repeated) ? [id, id] : [id])));
      bells = [];
      await Promise.all(
        Array.from({ length: workers }, async () => {
          for (let id = taken.pop(); id !== undefined; id = taken.pop()) await take(id);
        }),
      );
      while (late.length > 0) await wakeTheDead();
    }
  }
}

/** Every candidate, by number. */
export async function candidatesOf(store: Store, searchId: string): Promise<Candidate[]> {
  const all: Candidate[] = [];
  for (let cursor: string | null = null; ; ) {
    const page = await store.listCandidates(searchId, { limit: 500, cursor });
    all.push(...page.items);
    if (page.nextCursor === null) return all;
    cursor = page.nextCursor;
  }
}
