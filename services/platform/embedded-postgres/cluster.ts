// The files of one database cluster: where they lie, and how they come to be.
//
//   <folder>/cluster/data      PGDATA, owned by the server's user
//   <folder>/cluster/password  of the one database user, readable by the launcher only
//   <folder>/programs-*        a copy of the Postgres programs, where one was needed
//   <folder>/holders           see holders.ts
//   <folder>/postgres.log      what the server says
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Binaries } from "./binaries.ts";
import { canReach, type ServerUser } from "./server-user.ts";

export interface Cluster {
  readonly folder: string;
  readonly data: string;
  readonly password: string;
  /** Who owns the files and runs the server; null is this process's user. */
  readonly user: ServerUser | null;
}

export const databaseUser = "starling";

/**
 * The folder of everything about the server. Where the server's user may not enter `home` (root's own 0700 folders),
 * `home/postgres` is a link to a folder under /var/lib/starling.
 */
export async function prepareFolder(home: string, user: ServerUser | null, log: Log): Promise<string> {
  const folder = join(home, "postgres");
  await mkdir(home, { recursive: true });
  const found = await lstat(folder).catch(() => null);
  if (found?.isSymbolicLink() && !existsSync(folder)) await rm(folder);
  else if (found !== null) return realpath(folder);

  if (canReach(home, user)) {
    await mkdir(folder, { recursive: true, mode: user === null ? 0o700 : 0o755 });
    return realpath(folder);
  }
  const elsewhere = await mkdtemp(join(await statePlace(), "postgres-"));
  await chmod(elsewhere, 0o755);
  try {
    await symlink(elsewhere, folder);
    log.info({ home, folder: elsewhere }, "database placed where its user can reach it");
  } catch (error) {
    await rm(elsewhere, { recursive: true });
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return realpath(folder);
}

/** Makes the cluster if there is none. Two processes may both try: each builds a draft, and the first rename wins. */
export async function openCluster(folder: string, binaries: Binaries, user: ServerUser | null): Promise<Cluster> {
  const finished = join(folder, "cluster");
  if (!existsSync(finished)) {
    const draft = await mkdtemp(join(folder, "cluster-draft-"));
    try {
      await chmod(draft, user === null ? 0o700 : 0o755);
      await createCluster(draft, binaries, user);
      await rename(draft, finished).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST" && error.code !== "EPERM") throw error;
      });
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }
  const data = join(finished, "data");
  const { uid, gid } = statSync(data);
  const password = await readFile(join(finished, "password"), "utf8").catch((cause) => {
    const message = `cannot read ${join(finished, "password")}: the data folder belongs to another user; run as that user or set STARLING_HOME`;
    throw new AppError("EMBEDDED_POSTGRES_FAILED", message, { cause });
  });
  return { folder, data, password, user: user === null ? null : { uid, gid } };
}

async function createCluster(draft: string, binaries: Binaries, user: ServerUser | null): Promise<void> {
  const data = join(draft, "data");
  const password = randomBytes(24).toString("base64url");
  const passwordFile = join(draft, "password-for-initdb");
  await mkdir(data, { mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user !== null) for (const path of [data, passwordFile]) await chown(path, user.uid, user.gid);

  const settings = ["-D", data, "-U", databaseUser, `--pwfile=${passwordFile}`, "--auth=scram-sha-256", "-E", "UTF8"];
  // The builtin provider sorts by code point everywhere, whatever C library the machine has.
  const locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"];
  const outcome = runAs(user, binaries.initdb, [...settings, ...locale]);
  if (outcome.status !== 0) {
    const said = outcome.error?.message ?? outcome.stderr.trim();
    throw new AppError("EMBEDDED_POSTGRES_FAILED", `initdb failed in ${data}: ${said}`);
  }
  await rm(passwordFile);
  await writeFile(join(draft, "password"), password, { mode: 0o600 });
}

/** initdb wants a name for its user id, which containers often lack; inside a user namespace the id is that of nobody. */
function runAs(user: ServerUser | null, program: string, args: string[]): SpawnSyncReturns<string> {
  const options = { cwd: "/", env: serverEnvironment(), encoding: "utf8", ...(user ?? {}) } as const;
  const outcome = spawnSync(program, args, options);
  if (outcome.status === 0 || !/could not look up effective user ID/.test(outcome.stderr ?? "")) return outcome;
  const retried = spawnSync("unshare", ["--user", "--map-user=65534", "--map-group=65534", program, ...args], options);
  if (retried.status === 0) return retried;
  outcome.stderr += "\nadd a line for this user id to /etc/passwd, or set DATABASE_URL to a Postgres of your own";
  return outcome;
}

/** Nothing of the caller's PGDATA, PGPORT and the like. */
export function serverEnvironment(): Record<string, string> {
  const kept = ["PATH", "SystemRoot", "TEMP", "TMP"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(kept), LC_ALL: "C", TZ: "UTC" };
}

async function statePlace(): Promise<string> {
  for (const place of ["/var/lib/starling", join(tmpdir(), "starling")]) {
    try {
      await mkdir(place, { recursive: true, mode: 0o755 });
      return place;
    } catch {
      // A read-only root file system has only its temporary folder.
    }
  }
  const message =
    "no folder outside this user's own can be written: set STARLING_HOME to one that every user can enter";
  throw new AppError("EMBEDDED_POSTGRES_FAILED", message);
}
