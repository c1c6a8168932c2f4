// Postgres refuses to run as root. Where this process is root, the server runs as the owner of its folder, or as
// nobody; no user is ever created.
import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";

export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** The user the server runs as; null is this process's own. */
export function chooseServerUser(folder: string): ServerUser | null {
  if (process.getuid?.() !== 0) return null;
  const { uid, gid } = statSync(nearestExisting(folder));
  return uid === 0 ? nobody() : { uid, gid };
}

/** Whether the user may enter every folder on the way to `path` (by permission bits; access lists are not read). */
export function canReach(path: string, user: ServerUser | null): boolean {
  if (user === null) return true;
  for (let folder = nearestExisting(path); ; folder = dirname(folder)) {
    if (statSync(folder).isDirectory() && !permits(folder, user, 0o1)) return false;
    if (dirname(folder) === folder) return true;
  }
}

/** Whether the user has all of `bits` (4 read, 2 write, 1 execute or enter) on an existing path. */
export function permits(path: string, user: ServerUser, bits: number): boolean {
  const { uid, gid, mode } = statSync(path);
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
  return ((mode >> shift) & bits) === bits;
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}

function nobody(): ServerUser {
  try {
    return { uid: idOf("-u"), gid: idOf("-g") };
  } catch {
    return { uid: 65534, gid: 65534 };
  }
}

function idOf(flag: "-u" | "-g"): number {
  return Number.parseInt(execFileSync("id", [flag, "nobody"], { stdio: ["ignore", "pipe", "ignore"] }).toString(), 10);
}
