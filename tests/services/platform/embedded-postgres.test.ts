import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { locatePackage, prepareBinaries } from "../../../services/platform/embedded-postgres/binaries.ts";
import { isAlive } from "../../../services/platform/embedded-postgres/holders.ts";
import { canReach, chooseServerUser, permits } from "../../../services/platform/embedded-postgres/server-user.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../../services/platform/embedded-postgres.ts";
import { silentLog } from "../../../services/platform/log.ts";
import { temporaryHome } from "../../integration/postgres.ts";
import { type Program, runProgram } from "../../integration/program.ts";
import { until } from "../../integration/until.ts";
import { describeWith } from "../../require.ts";

const isRoot = process.getuid?.() === 0;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function newHome(name?: string): string {
  const { home, remove } = temporaryHome(name);
  cleanups.push(remove);
  return home;
}

/** With a cluster that earlier tests have left behind, in whatever way. */
let used: ReturnType<typeof temporaryHome> | undefined;
function usedHome(): string {
  used ??= temporaryHome();
  return used.home;
}
afterAll(() => used?.remove());

async function start(home: string): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ home, log: silentLog });
  cleanups.push(() => server.stop());
  return server;
}

function startElsewhere(home: string, options: Parameters<typeof runProgram>[2] = {}): Program {
  const program = runProgram("hold-postgres", [home], options);
  cleanups.push(async () => {
    program.kill("SIGTERM");
    await program.ended;
  });
  return program;
}

async function said(program: Program): Promise<{ url: string; pid: number; adopted: boolean }> {
  await program.says("}\n");
  return JSON.parse(program.output());
}

async function ask<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe("the embedded Postgres", () => {
  test("starts in an empty folder whose name has spaces, and keeps its rows from one run to the next", async () => {
    const home = newHome("a folder with spaces");
    const first = await startEmbeddedPostgres({ home, log: silentLog });
    expect(first.adopted).toBe(false);
    await ask(first.url, "CREATE TABLE kept AS SELECT 7 AS n");
    await first.stop();
    expect(isAlive(first.pid())).toBe(false);

    const second = await start(home);
    expect(await ask(second.url, "SELECT n FROM kept")).toEqual([{ n: 7 }]);
  });

  test("listens on 127.0.0.1 only, wants its password, and syncs commits to disk", async () => {
    const server = await start(usedHome());
    const settings = await ask<{ name: string; setting: string }>(
      server.url,
      "SELECT name, setting FROM pg_settings WHERE name IN ('listen_addresses', 'unix_socket_directories', 'fsync', 'synchronous_commit', 'password_encryption') ORDER BY name",
    );
    expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: "on",
      listen_addresses: "127.0.0.1",
      password_encryption: "scram-sha-256",
      synchronous_commit: "on",
      unix_socket_directories: "",
    });
    expect(server.port).not.toBe(5432);
    const wrong = new URL(server.url);
    expect(wrong.password.length).toBeGreaterThanOrEqual(32);
    wrong.password = "wrong";
    await expect(ask(wrong.href, "SELECT 1")).rejects.toMatchObject({ code: "28P01" });
  });

  test("does not care that port 5432 is taken, nor that its own last port is", async () => {
    const home = usedHome();
    const first = await startEmbeddedPostgres({ home, log: silentLog });
    await first.stop();
    for (const port of [5432, first.port]) {
      const occupant = createServer().on("error", () => undefined);
      occupant.listen(port, "127.0.0.1");
      cleanups.push(() => occupant.close());
    }
    const second = await start(home);
    expect(await ask(second.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });

  test("keeps sentences in any language and sorts them by code point", async () => {
    const server = await start(usedHome());
    const sql = "SELECT string_agg(w, ' ' ORDER BY w) AS words FROM unnest(ARRAY['é', 'z', 'Z', 'ß', '鳥']) AS w";
    expect(await ask(server.url, sql)).toEqual([{ words: "Z z ß é 鳥" }]);
  });
});

describe("several processes on one data folder", () => {
  test("share one server; the last to leave stops it", async () => {
    const home = usedHome();
    const here = await startEmbeddedPostgres({ home, log: silentLog });
    const there = startElsewhere(home);
    expect(await said(there)).toEqual({ url: here.url, pid: here.pid(), adopted: true });

    await here.stop();
    expect(isAlive(here.pid())).toBe(true);
    expect(await ask(here.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);

    there.kill("SIGTERM");
    expect(await there.ended).toBe(0);
    expect(isAlive(here.pid())).toBe(false);
  });

  test("that start at once in an empty folder end up with one cluster and one server", async () => {
    const home = newHome();
    const [a, b, c] = await Promise.all([said(startElsewhere(home)), said(startElsewhere(home)), start(home)]);
    expect(new Set([a.url, b.url, c.url]).size).toBe(1);
    expect(new Set([a.pid, b.pid, c.pid()]).size).toBe(1);
    const leftovers = readdirSync(join(home, "postgres")).filter((name) => name.includes("draft"));
    expect(leftovers).toEqual([]);
  });

  test("may come and go many times without losing the server under one another", async () => {
    const home = usedHome();
    const rounds = Array.from({ length: 4 }, async () => {
      for (let i = 0; i < 3; i++) {
        const server = await startEmbeddedPostgres({ home, log: silentLog });
        expect(await ask(server.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
        await server.stop();
      }
    });
    await Promise.all(rounds);
    expect(existsSync(join(home, "postgres/cluster/data/postmaster.pid"))).toBe(false);
  });
});

describe("after a kill -9", () => {
  test("of the process, the server lives on and the next process adopts it, with every committed row", async () => {
    const home = usedHome();
    const killed = runProgram("hold-postgres", [home]);
    const { url, pid } = await said(killed);
    await ask(url, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 7 AS n");
    killed.kill();
    await killed.ended;

    const next = await startEmbeddedPostgres({ home, log: silentLog });
    expect(next).toMatchObject({ adopted: true, url });
    expect(next.pid()).toBe(pid);
    expect(await ask(next.url, "SELECT n FROM kept")).toEqual([{ n: 7 }]);
    await next.stop();
    expect(isAlive(pid)).toBe(false);
  });

  test("of the server, it comes back on the same port by itself, with every committed row", async () => {
    const server = await start(usedHome());
    await ask(server.url, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 7 AS n");
    const pid = server.pid();
    process.kill(pid, "SIGKILL");
    await until(() => server.pid() !== pid);
    expect(await ask(server.url, "SELECT n FROM kept")).toEqual([{ n: 7 }]);
  });

  test("of both, the next process recovers the rows", async () => {
    const home = usedHome();
    const killed = runProgram("hold-postgres", [home]);
    const { url, pid } = await said(killed);
    await ask(url, "DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 7 AS n");
    killed.kill();
    process.kill(pid, "SIGKILL");
    await killed.ended;
    await until(() => !isAlive(pid));
    expect(existsSync(join(home, "postgres/cluster/data/postmaster.pid"))).toBe(true);

    const next = await start(home);
    expect(next.adopted).toBe(false);
    expect(await ask(next.url, "SELECT n FROM kept")).toEqual([{ n: 7 }]);
  });

  test("a pid file whose number belongs to another program now is no obstacle", async () => {
    const home = usedHome();
    await (await startEmbeddedPostgres({ home, log: silentLog })).stop();
    const data = join(home, "postgres/cluster/data");
    const lines = [process.pid, data, 1, 5432, "", "127.0.0.1", "", "ready", ""];
    writeFileSync(join(data, "postmaster.pid"), lines.join("\n"));
    const { uid, gid } = statSync(data);
    if (isRoot) chownSync(join(data, "postmaster.pid"), uid, gid);
    const server = await start(home);
    expect(await ask(server.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });

  test("holders that are dead do not keep the server alive", async () => {
    const home = usedHome();
    const server = await startEmbeddedPostgres({ home, log: silentLog });
    const gone = execFileSync(process.execPath, ["-p", "process.pid"]).toString().trim();
    writeFileSync(join(home, "postgres/holders", `${gone}-0000`), "");
    writeFileSync(join(home, "postgres/holders", `${process.pid}-from-an-earlier-process-with-our-number`), "");
    await server.stop();
    expect(isAlive(server.pid())).toBe(false);
  });
});

describe("errors say what to do", () => {
  test("a platform without a package points to DATABASE_URL", () => {
    expect(() => locatePackage("sunos", "sparc")).toThrow(/no embedded Postgres exists for sunos sparc.*DATABASE_URL/);
  });

  test("a package that is not installed is named, with DATABASE_URL as the other way", () => {
    const [platform, arch] = process.platform === "darwin" ? ["linux", "arm64"] : ["darwin", "arm64"];
    const expected = new RegExp(`@embedded-postgres/${platform}-${arch} is not installed.*DATABASE_URL`);
    expect(() => locatePackage(platform, arch)).toThrow(expected);
  });

  test("a password that no longer fits is reported at once", async () => {
    const home = usedHome();
    const server = await startEmbeddedPostgres({ home, log: silentLog });
    const { password } = new URL(server.url);
    await ask(server.url, "ALTER ROLE starling PASSWORD 'another'");
    await expect(startEmbeddedPostgres({ home, log: silentLog })).rejects.toThrow(
      /does not take the password in .*cluster\/password/,
    );
    await ask(server.url.replace(password, "another"), `ALTER ROLE starling PASSWORD '${password}'`);
    await server.stop();
  });

  test("a broken cluster is reported with what the server said", async () => {
    const home = newHome();
    await (await startEmbeddedPostgres({ home, log: silentLog })).stop();
    writeFileSync(join(home, "postgres/cluster/data/PG_VERSION"), "9.6\n");
    await expect(startEmbeddedPostgres({ home, log: silentLog })).rejects.toMatchObject({
      code: "EMBEDDED_POSTGRES_FAILED",
      message: expect.stringContaining("incompatible with server"),
    });
  });
});

describe("the programs", () => {
  test("are used where they are when the library links exist", async () => {
    const folder = newHome();
    const { postgres } = await prepareBinaries(folder, null);
    expect(postgres.startsWith(realpathSync(locatePackage()))).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("are copied, with their links, from a read-only package whose install script never ran", async () => {
    const root = newHome();
    const bare = join(root, "node_modules package");
    cpSync(locatePackage(), bare, { recursive: true, verbatimSymlinks: true });
    const links = JSON.parse(readFileSync(join(bare, "native/pg-symlinks.json"), "utf8")) as { target: string }[];
    expect(links.length).toBeGreaterThan(5);
    for (const { target } of links) unlinkSync(join(bare, target));
    execFileSync("chmod", ["-R", "a-w", bare]);
    cleanups.push(() => execFileSync("chmod", ["-R", "u+w", bare]));

    const folder = join(root, "copy");
    mkdirSync(folder);
    const { postgres } = await prepareBinaries(folder, null, bare);
    expect(postgres.startsWith(folder)).toBe(true);
    expect(execFileSync(postgres, ["--version"]).toString()).toMatch(/^postgres \(PostgreSQL\) 18/);
    expect(
      readdirSync(join(bare, "native/lib")).some((name) => lstatSync(join(bare, "native/lib", name)).isSymbolicLink()),
    ).toBe(false);
    expect((await prepareBinaries(folder, null, bare)).postgres).toBe(postgres);
  });
});

if (!isRoot) console.warn("skipped: started by root: these tests change users, which only root may");
describe.runIf(isRoot)("started by root", () => {
  test("the server runs as another user, who owns the data and nothing else", async () => {
    const home = newHome();
    const server = await start(home);
    expect(statSync(`/proc/${server.pid()}`).uid).toBe(chooseServerUser(home)!.uid);
    expect(statSync(join(home, "postgres/cluster/data"))).toMatchObject({ uid: chooseServerUser(home)!.uid });
    expect(statSync(join(home, "postgres/cluster/data")).mode & 0o777).toBe(0o700);
    expect(statSync(join(home, "postgres/cluster/password"))).toMatchObject({ uid: 0 });
    expect(statSync(join(home, "postgres/cluster/password")).mode & 0o777).toBe(0o600);
  });

  test("in a folder of another user the server runs as that user", async () => {
    const home = newHome();
    chownSync(home, 12345, 12345);
    const server = await start(home);
    expect(statSync(`/proc/${server.pid()}`).uid).toBe(12345);
  });

  test("below a folder that only root may enter, the data go where the server's user can", async () => {
    const closed = mkdtempSync(join(tmpdir(), "starling closed-"));
    cleanups.push(() => rmSync(closed, { recursive: true, force: true }));
    expect(statSync(closed).mode & 0o777).toBe(0o700);
    const home = join(closed, "home");
    const server = await startEmbeddedPostgres({ home, log: silentLog });
    const elsewhere = realpathSync(join(home, "postgres"));
    cleanups.push(() => rmSync(elsewhere, { recursive: true, force: true }));
    expect(elsewhere.startsWith(closed)).toBe(false);
    await ask(server.url, "CREATE TABLE kept AS SELECT 7 AS n");
    await server.stop();
    const again = await start(home);
    expect(await ask(again.url, "SELECT n FROM kept")).toEqual([{ n: 7 }]);
  });

  test("from a package that only root may read, the programs are copied for the server's user", async () => {
    const root = newHome();
    const closed = join(root, "closed");
    cpSync(locatePackage(), closed, { recursive: true, verbatimSymlinks: true });
    chmodSync(closed, 0o700);
    const folder = join(root, "copy");
    mkdirSync(folder);
    const user = { uid: 65534, gid: 65534 };
    const { postgres } = await prepareBinaries(folder, user, closed);
    expect(postgres.startsWith(folder)).toBe(true);
    expect(execFileSync(postgres, ["--version"], user).toString()).toContain("18");
  });

  test("permission bits are read as the kernel does", () => {
    const folder = newHome();
    const user = { uid: 4001, gid: 4002 };
    chmodSync(folder, 0o701);
    expect([permits(folder, user, 1), permits(folder, user, 4)]).toEqual([true, false]);
    chownSync(folder, 0, 4002);
    expect(canReach(folder, user)).toBe(false);
    chmodSync(folder, 0o710);
    expect(canReach(folder, user)).toBe(true);
    chownSync(folder, 4001, 4002);
    chmodSync(folder, 0o077);
    expect(canReach(folder, user)).toBe(false);
    expect(canReach(join(folder, "not", "there", "yet"), null)).toBe(true);
  });

  describeWith("otherUsers", "with other users", () => {
    for (const [who, uid] of [
      ["nobody", 65534],
      ["a user id without a name", 54321],
    ] as const) {
      test(`by ${who} instead, everything works as that user`, async () => {
        const home = newHome();
        chownSync(home, uid, uid);
        chmodSync(home, 0o700);
        const program = startElsewhere(home, { uid, gid: uid, env: { PATH: process.env.PATH } });
        const { url, pid } = await said(program);
        expect(statSync(`/proc/${pid}`).uid).toBe(uid);
        expect(await ask(url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
        expect(statSync(join(home, "postgres")).mode & 0o077).toBe(0);
      });
    }

    test("a folder that another user's server made says whose it is", async () => {
      const home = newHome();
      await (await startEmbeddedPostgres({ home, log: silentLog })).stop();
      const program = runProgram("hold-postgres", [home], { uid: 54321, gid: 54321, env: { PATH: process.env.PATH } });
      await expect(program.says("}\n")).rejects.toThrow(/belongs to another user/);
    });
  });
});
