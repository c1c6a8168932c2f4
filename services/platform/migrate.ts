// `prisma migrate deploy` without Prisma's engine, which npm does not ship: same table, same rows, same checksums, same
// advisory lock. Either tool can follow the other on one database.
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { AppError } from "./errors.ts";
import type { Log } from "./log.ts";
import { packagePath } from "./package-folder.ts";

/** The key Prisma's own engine takes, so that the two never migrate at once. */
const prismaLock = 72707369;

const createTable = `
CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id                  VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum            VARCHAR(64) NOT NULL,
    finished_at         TIMESTAMPTZ,
    migration_name      VARCHAR(255) NOT NULL,
    logs                TEXT,
    rolled_back_at      TIMESTAMPTZ,
    started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;

interface MigrationFile {
  readonly name: string;
  readonly sql: string;
  /** Lower-case hexadecimal SHA-256 of the file's bytes. */
  readonly checksum: string;
}

interface MigrationRow {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished_at: Date | null;
  readonly logs: string | null;
}

/**
 * Applies the migrations the database lacks and returns their names, oldest first. Processes that start together wait
 * for one another. Throws MIGRATION_FAILED where a migration failed, now or in an earlier run, and MIGRATION_DRIFT
 * where the database holds a migration whose file has changed or gone.
 */
export async function migrate({
  databaseUrl,
  log,
  folder = packagePath("prisma/migrations"),
}: {
  databaseUrl: string;
  log: Log;
  folder?: string;
}): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  // A lost connection also rejects the query that waits on it.
  client.on("error", () => undefined);
  await client.connect().catch((cause) => {
    throw new AppError("DATABASE_UNAVAILABLE", `cannot connect to the database: ${cause.message}`, { cause });
  });
  try {
    await client.query("SELECT pg_advisory_lock($1)", [prismaLock]);
    await client.query(createTable);
    const files = readMigrations(folder);
    const applied = await readApplied(client);
    checkAgainst(files, applied);

    const missing = files.filter(({ name }) => !applied.some((row) => row.migration_name === name));
    for (const file of missing) {
      await apply(client, file);
      log.info({ migration: file.name }, "migration applied");
    }
    return missing.map(({ name }) => name);
  } finally {
    // Ends the session, and with it the lock.
    await client.end();
  }
}

function readMigrations(folder: string): MigrationFile[] {
  const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, "migration.sql")));
  return names.sort().map((name) => {
    const bytes = readFileSync(join(folder, name, "migration.sql"));
    return { name, sql: bytes.toString("utf8"), checksum: createHash("sha256").update(bytes).digest("hex") };
  });
}

/** Rows marked as rolled back (by `prisma migrate resolve`) do not count. */
async function readApplied(client: pg.Client): Promise<MigrationRow[]> {
  const columns = "migration_name, checksum, finished_at, logs";
  const rows = `SELECT ${columns} FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`;
  return (await client.query<MigrationRow>(rows)).rows;
}

function checkAgainst(files: readonly MigrationFile[], applied: readonly MigrationRow[]): void {
  for (const row of applied) {
    const name = row.migration_name;
    if (row.finished_at === null) {
      const advice = `repair the database, then run: npx prisma migrate resolve --rolled-back ${name}`;
      throw new AppError("MIGRATION_FAILED", `migration ${name} failed earlier (${row.logs ?? "no log"}); ${advice}`);
    }
    const file = files.find((candidate) => candidate.name === name);
    if (file === undefined) {
      const message = `the database holds migration ${name}, which this version of Starling does not know: use a newer version`;
      throw new AppError("MIGRATION_DRIFT", message);
    }
    if (file.checksum !== row.checksum) {
      const message = `migration ${name} was changed after it was applied: checksum ${file.checksum}, in the database ${row.checksum}`;
      throw new AppError("MIGRATION_DRIFT", message);
    }
  }
}

/** The whole file goes as one query: Postgres runs it as one transaction. */
async function apply(client: pg.Client, { name, sql, checksum }: MigrationFile): Promise<void> {
  const id = randomUUID();
  const start = "INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)";
  await client.query(start, [id, checksum, name]);
  try {
    await client.query(sql);
  } catch (cause) {
    const logs = (cause as Error).message;
    await client.query("UPDATE _prisma_migrations SET logs = $2 WHERE id = $1", [id, logs]);
    throw new AppError("MIGRATION_FAILED", `migration ${name} failed: ${logs}`, { cause });
  }
  const finish = "UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = applied_steps_count + 1";
  await client.query(`${finish} WHERE id = $1`, [id]);
}
