// A store on a database of the test's own, and the small builders that plant searches in it.
import pg from "pg";
import { type SearchConfigInput, searchConfig } from "../../genome/space.ts";
import { silentLog } from "../../services/platform/log.ts";
import { openStore, type Store } from "../../services/platform/store/store.ts";
import type {
  Advance,
  Advanced,
  EvaluationResult,
  LeasedEvaluation,
  Proposal,
  Search,
} from "../../services/platform/store/types.ts";
import { openTestDatabase, type TestDatabase } from "./postgres.ts";

export interface TestStore {
  readonly store: Store;
  readonly database: TestDatabase;
  close(): Promise<void>;
}

/** @param durable false waits for no disk: quicker, and the same for whoever kills no server. */
export async function openTestStore({ connections = 5, durable = true } = {}): Promise<TestStore> {
  const database = await openTestDatabase();
  if (!durable)
    await database.query(`ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET synchronous_commit = off`);
  const store = openStore({ databaseUrl: database.url, log: silentLog, connections });
  return {
    ...{ store, database },
    async close() {
      await store.close();
      await database.close();
    },
  };
}

export async function plantSearch(store: Store, config: SearchConfigInput = {}): Promise<Search> {
  const { search } = await store.createSearch({
    config: searchConfig.parse({ knownDesigns: [], ...config }),
    algorithmState: { round: 0 },
    apiKeyId: "tester",
  });
  return search;
}

/** A candidate on two tasks; equal names make equal genomes, and so equal evaluations. */
export function proposal(name: string, changes: Partial<Proposal> = {}): Proposal {
  return {
    genome: `genome ${name}`,
    genomeHash: `hash ${name}`,
    generation: 0,
    parents: [],
    variation: { kind: "sampled" },
    parameters: 1000,
    stateBytes: 2000,
    flopsPerToken: 3000,
    feasible: true,
    evaluations: ["compression", "memorization"].map((task) => ({
      task,
      setting: { length: 32 },
      resultKey: `${name} on ${task}`,
      seed: 7,
      flops: 1e9,
    })),
    ...changes,
  };
}

/** One round that proposes these and changes what else is given. */
export async function propose(
  store: Store,
  searchId: string,
  proposals: readonly Proposal[],
  changes: Partial<Advance> = {},
): Promise<Advanced> {
  const advanced = await store.advanceSearch(searchId, () => ({ algorithmState: {}, proposals, ...changes }));
  if (advanced === null) throw new Error(`search ${searchId} cannot advance`);
  return advanced;
}

/** For longer than any machine takes over a test: what a test leaves leased must not be swept in another. */
export async function lease(store: Store, evaluationId: string, worker = "worker-a"): Promise<LeasedEvaluation> {
  const leased = await store.leaseEvaluation(evaluationId, worker, 600);
  if (leased === null) throw new Error(`evaluation ${evaluationId} cannot be leased`);
  return leased;
}

export function scored(score: number, changes: Partial<EvaluationResult> = {}): EvaluationResult {
  return { outcome: "scored", score, metrics: {}, curve: [], engine: "test", trainSeconds: 2, stepMs: 5, ...changes };
}

/** Leases and finishes every one of them. */
export async function finishAll(store: Store, evaluationIds: readonly string[], score = 0.5): Promise<void> {
  for (const id of evaluationIds) await store.finishEvaluation(await lease(store, id), scored(score));
}

/** As if its worker had died long ago. */
export async function expireLease(database: TestDatabase, evaluationId: string): Promise<void> {
  await database.query(
    "UPDATE evaluations SET lease_expires_at = now() - interval '1 s' WHERE id = $1 AND state = 'running'",
    [evaluationId],
  );
}

/** Counts every statement that this process sends to Postgres, until it is stopped. */
export function startCounting(): { count(): number; stop(): void } {
  const original = pg.Client.prototype.query;
  let count = 0;
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    count++;
    return Reflect.apply(original, this, args);
  } as typeof original;
  return {
    count: () => count,
    stop: () => {
      pg.Client.prototype.query = original;
    },
  };
}

/** Statements that this process sends to Postgres meanwhile, transactions' BEGIN and COMMIT included. */
export async function countStatements(run: () => Promise<unknown>): Promise<number> {
  const counter = startCounting();
  try {
    await run();
  } finally {
    counter.stop();
  }
  return counter.count();
}
