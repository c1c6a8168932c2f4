// The one door to the database. Functions are named by what the search needs; each is one transaction at most, gives
// plain objects, and says absence with null. When the database does not answer they throw DATABASE_UNAVAILABLE.
import type { Log } from "../log.ts";
import { advanceSearch } from "./advance.ts";
import { createApiKey, listApiKeys, revokeApiKey, verifyApiKey } from "./api-keys.ts";
import { findArtifact, putArtifact, readArtifact } from "./artifacts.ts";
import { completeCandidates, listCandidates, loadCandidate, loadCandidates } from "./candidates.ts";
import { type Database, explain, openDatabase } from "./database.ts";
import { listDueSearches, listOverdueSearches } from "./due-searches.ts";
import { listWaitingEvaluations, loadEvaluation } from "./evaluations.ts";
import { EventListener } from "./event-listener.ts";
import { lastEventId, listEvents } from "./events.ts";
import {
  failEvaluation,
  finishEvaluation,
  leaseEvaluation,
  releaseLease,
  renewLease,
  sweepExpiredLeases,
} from "./leases.ts";
import { hypervolumeSeries, searchProgress } from "./progress.ts";
import {
  changeSearchLimits,
  changeSearchState,
  createSearch,
  deleteSearch,
  listSearches,
  loadSearch,
} from "./searches.ts";
import { serviceCounts } from "./service-counts.ts";
import { endSession, startSession, verifySession } from "./sessions.ts";
import type { EventNotice } from "./types.ts";
import { drainWorker, heartbeatWorker, listWorkers, registerWorker, stopWorker } from "./workers.ts";

const operations = {
  createSearch,
  loadSearch: (db: Database, id: string) => loadSearch(db, id),
  listSearches,
  changeSearchState,
  changeSearchLimits,
  deleteSearch,
  advanceSearch,
  listDueSearches,
  listOverdueSearches,
  searchProgress,
  hypervolumeSeries,

  listCandidates,
  loadCandidate,
  loadCandidates,
  completeCandidates,

  loadEvaluation,
  listWaitingEvaluations,
  leaseEvaluation,
  renewLease,
  finishEvaluation,
  failEvaluation,
  releaseLease,
  sweepExpiredLeases,

  listEvents,
  lastEventId,

  registerWorker,
  heartbeatWorker,
  drainWorker,
  stopWorker,
  listWorkers,

  createApiKey,
  verifyApiKey,
  listApiKeys,
  revokeApiKey,
  startSession,
  verifySession,
  endSession,

  putArtifact,
  findArtifact,

  serviceCounts,
  /** Rejects while the database takes no writes. */
  ping: async ({ queries }: Database) => {
    // Takes a transaction id, which a read-only server refuses.
    await queries.$queryRaw`SELECT pg_current_xact_id()::text`;
  },
};

type Operations = typeof operations;
type Bound<F> = F extends (db: Database, ...args: infer Args) => infer Result ? (...args: Args) => Result : never;

export type Store = { readonly [Name in keyof Operations]: Bound<Operations[Name]> } & {
  readArtifact(id: string): AsyncGenerator<Uint8Array, void, undefined>;
  /** Calls back after every append; with null once connected and after each gap. Gives the function that ends it. */
  subscribe(subscriber: (notice: EventNotice) => void): () => void;
  close(): Promise<void>;
};

/** Connects lazily. @param connections at most, one more for `subscribe`. */
export function openStore({
  databaseUrl,
  log,
  connections = 10,
}: {
  databaseUrl: string;
  log: Log;
  connections?: number;
}): Store {
  const db = openDatabase({ databaseUrl, connections });
  const listener = new EventListener(databaseUrl, log);
  const bound = Object.fromEntries(
    Object.entries(operations).map(([name, operation]) => [
      name,
      async (...args: never[]) => {
        try {
          return await (operation as (db: Database, ...args: never[]) => Promise<unknown>)(db, ...args);
        } catch (error) {
          throw explain(error);
        }
      },
    ]),
  ) as { [Name in keyof Operations]: Bound<Operations[Name]> };
  return {
    ...bound,
    readArtifact: (id) => readArtifact(db, id),
    subscribe: (subscriber) => listener.subscribe(subscriber),
    async close() {
      await listener.close();
      await db.close();
    },
  };
}
