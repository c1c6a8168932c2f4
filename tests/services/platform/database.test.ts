import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readyDatabase } from "../../../services/platform/database.ts";
import { silentLog } from "../../../services/platform/log.ts";
import { openStore } from "../../../services/platform/store/store.ts";
import { openTestDatabase, temporaryHome } from "../../integration/postgres.ts";

test("the database that DATABASE_URL names is migrated and used, and nothing is started", async () => {
  const database = await openTestDatabase({ migrated: false });
  const { home, remove } = temporaryHome();
  const ready = await readyDatabase({ databaseUrl: database.url, home }, silentLog);
  expect(ready).toMatchObject({ url: database.url, embedded: false });
  expect(existsSync(join(home, "postgres"))).toBe(false);
  const store = openStore({ databaseUrl: ready.url, log: silentLog });
  await store.ping();
  expect(await store.listSearches({ limit: 1 })).toEqual({ items: [], nextCursor: null });
  await store.close();
  await ready.close();
  await database.close();
  remove();
});

test("without one the embedded database is started, migrated, and left as it was found", async () => {
  const { home, remove } = temporaryHome();
  const ready = await readyDatabase({ databaseUrl: undefined, home }, silentLog);
  expect(ready.embedded).toBe(true);
  const store = openStore({ databaseUrl: ready.url, log: silentLog });
  const { id } = await store.createApiKey("kept");
  await store.close();
  await ready.close();

  const again = await readyDatabase({ databaseUrl: undefined, home }, silentLog);
  const reopened = openStore({ databaseUrl: again.url, log: silentLog });
  expect(await reopened.listApiKeys()).toMatchObject([{ id }]);
  await reopened.close();
  await again.close();
  remove();
});

test("a database that cannot be reached is reported, with the reason", async () => {
  const databaseUrl = "postgresql://nobody@127.0.0.1:1/none";
  await expect(readyDatabase({ databaseUrl, home: "/nonexistent" }, silentLog)).rejects.toMatchObject({
    code: "DATABASE_UNAVAILABLE",
    message: expect.stringContaining("ECONNREFUSED"),
  });
});
