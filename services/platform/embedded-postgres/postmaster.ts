// One running server: found through postmaster.pid, started, watched and stopped.
import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, statSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { AppError } from "../errors.ts";
import type { Binaries } from "./binaries.ts";
import { type Cluster, databaseUser, serverEnvironment } from "./cluster.ts";
import { isAlive } from "./holders.ts";

export interface Postmaster {
  readonly pid: number;
  readonly port: number;
}

/** How long a server may take to recover after a crash, or to come up on a busy machine. */
const startLimitMs = 120_000;
const logLimitBytes = 16 * 1024 * 1024;

/** Adopts the cluster's running server, or starts it. `port` asks for that very port (after a crash in mid-run). */
export async function ensureRunning(
  cluster: Cluster,
  binaries: Binaries,
  port?: number,
): Promise<Postmaster & { adopted: boolean }> {
  const deadline = performance.now() + startLimitMs;
  let failure = "";
  while (performance.now() < deadline) {
    const found = await findRunning(cluster);
    if (found?.ready) {
      failure = await ask(cluster, found.port);
      if (failure === "") return { pid: found.pid, port: found.port, adopted: true };
    } else if (found === null) {
      const started = await start(cluster, binaries, port ?? (await freePort()));
      if (typeof started === "object") return { ...started, adopted: false };
      failure = started;
      if (!isPassing(failure)) throw new AppError("EMBEDDED_POSTGRES_FAILED", `postgres did not start: ${failure}`);
    }
    await sleep(found === null ? 100 : 20);
  }
  const seen = `${failure || "it says nothing"}; see ${logPath(cluster)}`;
  const message = `no answer from the server in ${cluster.data} after ${startLimitMs / 1000} s: ${seen}`;
  throw new AppError("EMBEDDED_POSTGRES_FAILED", message);
}

/** Fast shutdown: running transactions are rolled back, the next start needs no recovery. */
export async function stopServer(cluster: Cluster, binaries: Binaries): Promise<void> {
  const found = await findRunning(cluster);
  if (found === null) return;
  const signal = (name: "INT" | "QUIT") => {
    if (process.platform === "win32") spawnSync(binaries.pgCtl, ["kill", name, String(found.pid)]);
    else if (isAlive(found.pid)) process.kill(found.pid, `SIG${name}`);
  };
  signal("INT");
  for (let waitedMs = 0; isAlive(found.pid); waitedMs += 10) {
    if (waitedMs === 30_000) signal("QUIT");
    await sleep(10);
  }
}

export function connectionUrl(cluster: Cluster, port: number, database: string): string {
  return `postgresql://${databaseUser}:${cluster.password}@127.0.0.1:${port}/${database}`;
}

async function findRunning(cluster: Cluster): Promise<(Postmaster & { ready: boolean }) | null> {
  const path = join(cluster.data, "postmaster.pid");
  const lines = (await readFile(path, "utf8").catch(() => "")).split("\n");
  const pid = Number.parseInt(lines[0] ?? "", 10);
  if (!(pid > 0) || !isAlive(pid)) return null;
  if (!isPostgres(pid)) {
    // Left behind by a crash, and the number belongs to another program now: Postgres itself would refuse to start.
    await rm(path, { force: true });
    return null;
  }
  return { pid, port: Number.parseInt(lines[3] ?? "", 10), ready: lines[7]?.trim() === "ready" };
}

function isPostgres(pid: number): boolean {
  if (process.platform === "win32") return true;
  try {
    const command = existsSync(`/proc/${pid}/comm`)
      ? readFileSync(`/proc/${pid}/comm`, "utf8")
      : spawnSync("ps", ["-o", "comm=", "-p", String(pid)], { encoding: "utf8" }).stdout;
    return command.includes("postgres");
  } catch {
    return false;
  }
}

/** Empty once the server answers, else why not. A wrong password will stay wrong, so that is thrown. */
async function ask(cluster: Cluster, port: number): Promise<string> {
  const connectionString = connectionUrl(cluster, port, "postgres");
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 5000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return "";
  } catch (cause) {
    const { code, message } = cause as pg.DatabaseError;
    if (code !== "28P01") return message;
    const advice = `the server of ${cluster.data} does not take the password in ${cluster.folder}/cluster/password`;
    throw new AppError("EMBEDDED_POSTGRES_FAILED", advice, { cause });
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The new server, or what it said before it went away. */
async function start(cluster: Cluster, binaries: Binaries, port: number): Promise<Postmaster | string> {
  const path = logPath(cluster);
  const log = openSync(path, (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > logLimitBytes ? "w" : "a", 0o600);
  const before = statSync(path).size;
  const settings = { listen_addresses: "127.0.0.1", unix_socket_directories: "", max_connections: 200, fsync: "on" };
  const child = spawn(
    binaries.postgres,
    ["-D", cluster.data, "-p", String(port), ...Object.entries(settings).flatMap(([k, v]) => ["-c", `${k}=${v}`])],
    // Its own process group, so that Ctrl-C in a terminal reaches it only through `stopServer`.
    { cwd: "/", env: serverEnvironment(), detached: true, stdio: ["ignore", log, log], ...(cluster.user ?? {}) },
  );
  closeSync(log);
  child.unref();
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  let running = true;
  void ended.then(() => {
    running = false;
  });
  while (running) {
    const found = await findRunning(cluster);
    if (found?.ready && found.pid === child.pid) return { pid: found.pid, port: found.port };
    await Promise.race([sleep(10), ended]);
  }
  return (await readFile(path)).subarray(before).toString().trim() || `exit code ${child.exitCode}`;
}

/** Failures that another try gets over: another process was faster, the port was taken, children of a killed server still run. */
function isPassing(said: string): boolean {
  return /lock file "postmaster.pid"|already in use|still in use|shared memory block/.test(said);
}

function logPath(cluster: Cluster): string {
  return join(cluster.folder, "postgres.log");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
