// Real databases for tests. One embedded server is shared by all test processes of a user (the last to leave stops it);
// every caller gets a migrated database of its own.
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { locatePackage } from "../../services/platform/embedded-postgres/binaries.ts";
import { startEmbeddedPostgres } from "../../services/platform/embedded-postgres.ts";
import { silentLog } from "../../services/platform/log.ts";
import { migrate } from "../../services/platform/migrate.ts";

export interface TestDatabase {
  readonly url: string;
  /** Runs SQL past the store, for planting and for looking. */
  query<Row extends object>(sql: string, values?: unknown[]): Promise<Row[]>;
  /** Drops the database, whoever is connected. */
  close(): Promise<void>;
}

/** @param migrated false gives an empty database. */
export async function openTestDatabase({ migrated = true } = {}): Promise<TestDatabase> {
  const server = await startEmbeddedPostgres({ home: sharedHome(), log: silentLog });
  const name = `test_${randomBytes(8).toString("hex")}`;
  await run(server.url, `CREATE DATABASE ${name}`);
  const url = server.url.replace(/starling$/, name);
  if (migrated) await migrate({ databaseUrl: url, log: silentLog });
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  pool.on("error", () => undefined);
  return {
    url,
    query: async (sql, values) => (await pool.query(sql, values)).rows,
    async close() {
      await pool.end();
      await run(server.url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await server.stop();
    },
  };
}

/** A data folder of one's own, for tests that kill servers; `remove` it when they are stopped. */
export function temporaryHome(name = "home"): { home: string; remove(): void } {
  const parent = mkdtempSync(join(sharedParent(), "own-"));
  chmodSync(parent, 0o755);
  const home = join(parent, name);
  mkdirSync(home);
  return { home, remove: () => rmSync(parent, { recursive: true, force: true }) };
}

/** Of this version of Postgres: another could not read its data. */
function sharedHome(): string {
  const { version } = JSON.parse(readFileSync(join(locatePackage(), "package.json"), "utf8")) as { version: string };
  return join(sharedParent(), `home-${version}`);
}

function sharedParent(): string {
  const parent = join(tmpdir(), `starling-tests-${userId()}`);
  mkdirSync(parent, { recursive: true });
  return parent;
}

function userId(): string | number {
  return process.getuid?.() ?? userInfo().username;
}

async function run(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
