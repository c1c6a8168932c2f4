// Which processes use the server of a data folder: one small file each. The last to leave stops the server.
//
// Leaving renames the own file to `.stopping` before it looks at the others; joining creates the own file before it
// looks for `.stopping`. So either the leaver sees the joiner and keeps the server, or the joiner sees the leaver and waits.
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ours = new Set<string>();
const stoppingSuffix = ".stopping";

export interface Hold {
  /** Ends the hold; `stop` runs if nobody else holds the server. */
  release(stop: () => Promise<void>): Promise<void>;
}

export async function hold(folder: string): Promise<Hold> {
  await mkdir(folder, { recursive: true });
  const name = `${process.pid}-${randomBytes(4).toString("hex")}`;
  ours.add(name);
  await writeFile(join(folder, name), "");
  while ((await othersIn(folder, name)).some((other) => other.endsWith(stoppingSuffix))) await sleep(20);

  return {
    async release(stop) {
      const leaving = name + stoppingSuffix;
      ours.add(leaving);
      await rename(join(folder, name), join(folder, leaving));
      try {
        const others = await othersIn(folder, leaving);
        if (others.every((other) => other.endsWith(stoppingSuffix))) await stop();
      } finally {
        await rm(join(folder, leaving), { force: true });
        ours.delete(name);
        ours.delete(leaving);
      }
    },
  };
}

/** Holders other than `own` that are alive; files left by killed processes are removed on the way. */
async function othersIn(folder: string, own: string): Promise<string[]> {
  const others: string[] = [];
  for (const name of await readdir(folder)) {
    if (name === own) continue;
    const pid = Number.parseInt(name, 10);
    const alive = pid === process.pid ? ours.has(name) : isAlive(pid);
    if (alive) others.push(name);
    else await rm(join(folder, name), { force: true });
  }
  return others;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
