import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLog } from "../../../services/platform/log.ts";
import { migrate } from "../../../services/platform/migrate.ts";
import { packagePath } from "../../../services/platform/package-folder.ts";
import { openTestDatabase, type TestDatabase } from "../../integration/postgres.ts";

interface Row {
  id: string;
  checksum: string;
  finished_at: Date | null;
  migration_name: string;
  logs: string | null;
  rolled_back_at: Date | null;
  started_at: Date;
  applied_steps_count: number;
}

let database: TestDatabase;
let folder: string;

beforeEach(async () => {
  database = await openTestDatabase({ migrated: false });
  folder = mkdtempSync(join(tmpdir(), "starling-migrations-"));
});
afterEach(async () => {
  await database.close();
  rmSync(folder, { recursive: true });
});

function plant(name: string, sql: string): void {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, "migration.sql"), sql);
}

const run = () => migrate({ databaseUrl: database.url, log: silentLog, folder });
const rows = () => database.query<Row>("SELECT * FROM _prisma_migrations ORDER BY started_at");

describe("the project's own migrations", () => {
  const own = packagePath("prisma/migrations");
  const names = readdirSync(own, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();

  test("are recorded as `prisma migrate deploy` records them", async () => {
    expect(await migrate({ databaseUrl: database.url, log: silentLog })).toEqual(names);
    const columns = await database.query<{ column_name: string; type: string; column_default: string | null }>(
      `SELECT column_name, data_type || coalesce('(' || character_maximum_length || ')', '') AS type, is_nullable,
              column_default
       FROM information_schema.columns WHERE table_name = '_prisma_migrations' ORDER BY ordinal_position`,
    );
    // As read from a table that Prisma 7.10's own engine made.
    expect(columns.map(({ column_name, type }) => `${column_name} ${type}`)).toEqual([
      "id character varying(36)",
      "checksum character varying(64)",
      "finished_at timestamp with time zone",
      "migration_name character varying(255)",
      "logs text",
      "rolled_back_at timestamp with time zone",
      "started_at timestamp with time zone",
      "applied_steps_count integer",
    ]);
    for (const [n, row] of (await rows()).entries()) {
      const sql = readFileSync(join(own, names[n]!, "migration.sql"));
      expect(row).toMatchObject({
        ...{ migration_name: names[n], applied_steps_count: 1, logs: null, rolled_back_at: null },
        checksum: createHash("sha256").update(sql).digest("hex"),
      });
      expect(row.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/);
      expect(row.finished_at!.getTime()).toBeGreaterThanOrEqual(row.started_at.getTime());
    }
  });

  test("applied by two processes at once are applied once", async () => {
    const both = await Promise.all([1, 2, 3].map(() => migrate({ databaseUrl: database.url, log: silentLog })));
    expect(both.flat().sort()).toEqual(names);
    expect(await rows()).toHaveLength(names.length);
  });
});

describe("a folder of migrations", () => {
  test("is applied in order of names, and only what is new the next time", async () => {
    plant("2_fill", "INSERT INTO planted VALUES (1);");
    plant("1_make", "CREATE TABLE planted (n int);");
    writeFileSync(join(folder, "migration_lock.toml"), 'provider = "postgresql"\n');
    expect(await run()).toEqual(["1_make", "2_fill"]);
    plant("3_more", "INSERT INTO planted VALUES (2);");
    expect(await run()).toEqual(["3_more"]);
    expect(await run()).toEqual([]);
    expect(await database.query("SELECT n FROM planted ORDER BY n")).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test("with a mistake in it leaves nothing of that file, says which and why, and refuses to go on", async () => {
    plant("1_good", "CREATE TABLE planted (n int);");
    plant("2_bad", "CREATE TABLE half (n int); SELECT no_such_function();");
    plant("3_never", "CREATE TABLE never (n int);");
    await expect(run()).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      message: "migration 2_bad failed: function no_such_function() does not exist",
    });
    const tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY table_name";
    expect(await database.query(tables)).toEqual([{ table_name: "_prisma_migrations" }, { table_name: "planted" }]);
    expect(await rows()).toMatchObject([
      { migration_name: "1_good", applied_steps_count: 1 },
      {
        migration_name: "2_bad",
        finished_at: null,
        applied_steps_count: 0,
        logs: "function no_such_function() does not exist",
      },
    ]);
    await expect(run()).rejects.toMatchObject({
      code: "MIGRATION_FAILED",
      message: expect.stringMatching(/2_bad failed earlier .*prisma migrate resolve --rolled-back 2_bad/),
    });
  });

  test("goes on once the failure was marked as rolled back and the file repaired", async () => {
    plant("1_bad", "SELECT no_such_function();");
    await expect(run()).rejects.toThrow("1_bad");
    await database.query("UPDATE _prisma_migrations SET rolled_back_at = now()");
    plant("1_bad", "CREATE TABLE planted (n int);");
    expect(await run()).toEqual(["1_bad"]);
    expect(await run()).toEqual([]);
  });

  test("whose applied file was changed is refused with both checksums", async () => {
    plant("1_make", "CREATE TABLE planted (n int);");
    await run();
    const before = (await rows())[0]!.checksum;
    plant("1_make", "CREATE TABLE planted (n bigint);");
    await expect(run()).rejects.toMatchObject({ code: "MIGRATION_DRIFT", message: expect.stringContaining(before) });
  });

  test("that lacks what the database holds asks for a newer version", async () => {
    plant("1_make", "CREATE TABLE planted (n int);");
    await run();
    rmSync(join(folder, "1_make"), { recursive: true });
    await expect(run()).rejects.toMatchObject({
      code: "MIGRATION_DRIFT",
      message: expect.stringContaining("use a newer version"),
    });
  });
});

test("no database is reported as such", async () => {
  const databaseUrl = "postgresql://nobody@127.0.0.1:1/none";
  await expect(migrate({ databaseUrl, log: silentLog })).rejects.toMatchObject({
    code: "DATABASE_UNAVAILABLE",
    status: 503,
  });
});
