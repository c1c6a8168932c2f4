// The whole service in one place: database, queue, API, dashboard, and worker processes that are started again when they die.
import { mkdir, rename, writeFile } from "node:fs/promises";
import { engineNames } from "../../workers/engine/select.ts";
import { type ApiServer, startApi } from "../api/server.ts";
import type { Config } from "../platform/config.ts";
import type { Log } from "../platform/log.ts";
import { openPlatform } from "../platform/open-platform.ts";
import { packagePath } from "../platform/package-folder.ts";
import { startReconciler } from "../platform/reconcile.ts";
import type { Store } from "../platform/store/store.ts";
import { connectionFile, readLocalConnection } from "./client.ts";
import { CliError } from "./errors.ts";
import { superviseWorkers } from "./supervisor.ts";

export interface Service {
  readonly url: string;
  /** The command line's own key. */
  readonly apiKey: string;
  /** True on the first start: the key has just been made and nobody has seen it. */
  readonly isNewKey: boolean;
  stop(): Promise<void>;
}

const localKeyName = "local command line";

export async function startService(config: Config, log: Log): Promise<Service> {
  checkEngine(config);
  await mkdir(config.home, { recursive: true, mode: 0o700 });
  const closing: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    const platform = await openPlatform(config, log);
    closing.push(() => platform.close());
    const { database, store, queues } = platform;
    const reconciler = startReconciler(store, queues, {
      intervalSeconds: config.reconcileSeconds,
      leaseSeconds: config.leaseSeconds,
      log,
    });
    closing.push(() => reconciler.stop());
    const api = await listen(config, () =>
      startApi({ config, store, queues, log, dashboardFolder: packagePath("dashboards/dist") }),
    );
    closing.push(() => api.close());
    const key = await localKey(config, store, api.url);
    if (config.workers > 0) {
      const workers = superviseWorkers(workerEnvironment(config, database.url), config, log);
      closing.push(() => workers.stop());
    }
    return { url: api.url, ...key, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Here, where a person sees it: a worker process that cannot begin would only be started again and again. */
function checkEngine({ engine, workers }: Config): void {
  const isKnown = engine === "auto" || engineNames.some((name) => name === engine);
  if (workers > 0 && !isKnown) {
    throw new CliError(`STARLING_ENGINE: there is no engine "${engine}"; there are auto, ${engineNames.join(", ")}.`);
  }
}

/** What the worker process must see as this process does, wherever it was set. */
function workerEnvironment(config: Config, databaseUrl: string): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    STARLING_HOME: config.home,
    STARLING_WORKERS: String(config.workers),
    LOG_LEVEL: config.logLevel,
  };
}

/** The key that commands on this machine use; kept, readable by its owner only, beside the address. */
async function localKey(config: Config, store: Store, url: string): Promise<{ apiKey: string; isNewKey: boolean }> {
  const known = await readKey(config, store);
  const apiKey = known ?? (await store.createApiKey(localKeyName)).key;
  const file = connectionFile(config.home);
  // By rename, so that a command never reads half a file.
  await writeFile(`${file}.${process.pid}`, `${JSON.stringify({ url, apiKey }, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.${process.pid}`, file);
  return { apiKey, isNewKey: known === null };
}

async function readKey(config: Config, store: Store): Promise<string | null> {
  const key = config.apiKey ?? readLocalConnection(config.home)?.apiKey;
  return key !== undefined && (await store.verifyApiKey(key)) !== null ? key : null;
}

async function listen(config: Config, start: () => Promise<ApiServer>): Promise<ApiServer> {
  try {
    return await start();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EADDRINUSE") {
      throw new CliError(
        `Port ${config.port} of ${config.host} is taken: set PORT to another, or to 0 for any free one.`,
      );
    }
    if (code === "EACCES" || code === "EADDRNOTAVAIL") {
      throw new CliError(`Cannot listen on ${config.host}:${config.port} (${code}): set HOST and PORT.`);
    }
    throw error;
  }
}
