// Workers, API keys, artifacts, and what happens when the database is away.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentLog } from "../../../../services/platform/log.ts";
import { openStore } from "../../../../services/platform/store/store.ts";
import { offlineAfterSeconds } from "../../../../services/platform/store/workers.ts";
import { freePort } from "../../../integration/redis.ts";
import { lease, openTestStore, plantSearch, proposal, propose, type TestStore } from "../../../integration/store.ts";
import { until } from "../../../integration/until.ts";

let opened: TestStore;
beforeAll(async () => {
  opened = await openTestStore();
});
afterAll(() => opened.close());

describe("workers", () => {
  const description = { host: "a-host", pid: 4711, engine: "onnx-cpu", concurrency: 2 };
  const find = async (id: string) => (await opened.store.listWorkers()).find((worker) => worker.id === id);

  test("are listed with what they work on", async () => {
    const id = await opened.store.registerWorker(description);
    const search = await plantSearch(opened.store);
    const { waiting } = await propose(opened.store, search.id, [proposal("work")]);
    const leased = await lease(opened.store, waiting[0]!, id);
    expect(await find(id)).toMatchObject({ ...description, id, state: "online", running: [waiting[0]] });
    await opened.store.releaseLease(leased);
    expect((await find(id))!.running).toEqual([]);
  });

  test("are offline after missed heartbeats, by the database's clock, and online with the next one", async () => {
    const id = await opened.store.registerWorker(description);
    const age = "UPDATE workers SET heartbeat_at = now() - make_interval(secs => $2) WHERE id = $1";
    await opened.database.query(age, [id, offlineAfterSeconds - 10]);
    expect((await find(id))!.state).toBe("online");
    await opened.database.query(age, [id, offlineAfterSeconds + 1]);
    expect((await find(id))!.state).toBe("offline");
    expect(await opened.store.heartbeatWorker(id)).toEqual({ draining: false });
    expect((await find(id))!.state).toBe("online");
  });

  test("hear at their next heartbeat that they shall drain", async () => {
    const id = await opened.store.registerWorker(description);
    expect(await opened.store.drainWorker(id)).toBe(true);
    expect(await opened.store.heartbeatWorker(id)).toEqual({ draining: true });
    expect((await find(id))!.state).toBe("draining");
  });

  test("that stopped are gone, and told to register again", async () => {
    const id = await opened.store.registerWorker(description);
    expect(await opened.store.stopWorker(id)).toBe(true);
    expect(await opened.store.stopWorker(id)).toBe(false);
    expect(await opened.store.drainWorker(id)).toBe(false);
    expect(await opened.store.heartbeatWorker(id)).toBeNull();
    expect(await find(id)).toBeUndefined();
  });

  test("coming and going are events", async () => {
    const after = await opened.store.lastEventId();
    const id = await opened.store.registerWorker(description);
    await opened.store.drainWorker(id);
    await opened.store.stopWorker(id);
    const events = await opened.store.listEvents({ after, limit: 10 });
    expect(events.map(({ type, data }) => [type, data.state])).toEqual([
      ["worker.changed", "online"],
      ["worker.changed", "draining"],
      ["worker.changed", "offline"],
    ]);
  });
});

describe("API keys", () => {
  test("are shown once and stored as digests", async () => {
    const { id, key } = await opened.store.createApiKey("laptop");
    expect(key).toMatch(/^starling_[\w-]{43}$/);
    const [row] = await opened.database.query<{ digest: string }>("SELECT * FROM api_keys WHERE id = $1", [id]);
    expect(row!.digest).toBe(createHash("sha256").update(key).digest("hex"));
    expect(JSON.stringify(row)).not.toContain(key);
    expect(JSON.stringify(await opened.store.listApiKeys())).not.toContain(row!.digest);
  });

  test("are known until they are revoked", async () => {
    const { id, key } = await opened.store.createApiKey("laptop");
    expect(await opened.store.verifyApiKey(key)).toEqual({ id, name: "laptop" });
    expect(await opened.store.verifyApiKey(`${key}x`)).toBeNull();
    expect(await opened.store.verifyApiKey("")).toBeNull();
    expect(await opened.store.revokeApiKey(id)).toBe(true);
    expect(await opened.store.revokeApiKey(id)).toBe(false);
    expect(await opened.store.verifyApiKey(key)).toBeNull();
  });

  test("note their use, at most once a minute", async () => {
    const { id, key } = await opened.store.createApiKey("busy");
    const lastUsed = async () => (await opened.store.listApiKeys()).find((one) => one.id === id)!.lastUsedAt;
    expect(await lastUsed()).toBeNull();
    await opened.store.verifyApiKey(key);
    const first = await lastUsed();
    expect(first).not.toBeNull();
    await opened.store.verifyApiKey(key);
    expect(await lastUsed()).toBe(first);
    await opened.database.query("UPDATE api_keys SET last_used_at = now() - interval '2 minutes' WHERE id = $1", [id]);
    const aged = await lastUsed();
    await opened.store.verifyApiKey(key);
    expect(Date.parse((await lastUsed())!)).toBeGreaterThan(Date.parse(aged!));
  });
});

describe("artifacts", () => {
  async function read(id: string): Promise<Buffer> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of opened.store.readArtifact(id)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  for (const bytes of [0, 1, 262_144, 262_145, 700_001]) {
    test(`of ${bytes} bytes come back as they went in, under their SHA-256`, async () => {
      const content = Buffer.from(Array.from({ length: bytes }, (_, n) => (n * 7 + bytes) % 251));
      const artifact = await opened.store.putArtifact(content, "application/octet-stream");
      expect(artifact).toMatchObject({ id: createHash("sha256").update(content).digest("hex"), bytes });
      expect((await read(artifact.id)).equals(content)).toBe(true);
    });
  }

  test("put twice are stored once", async () => {
    const content = Buffer.from("the same");
    const [first, second] = await Promise.all([1, 2].map(() => opened.store.putArtifact(content, "text/plain")));
    expect(second).toEqual(first);
    expect(await opened.store.findArtifact(first!.id)).toEqual(first);
    expect(await opened.store.findArtifact("0".repeat(64))).toBeNull();
  });

  test("whose bytes were changed behind the store's back are not passed off as whole", async () => {
    const { id } = await opened.store.putArtifact(Buffer.from("to be damaged"), "text/plain");
    await opened.database.query("UPDATE artifact_chunks SET content = 'other' WHERE artifact_id = $1", [id]);
    await expect(read(id)).rejects.toMatchObject({ code: "ARTIFACT_DAMAGED" });
  });
});

describe("when the database", () => {
  test("cannot be reached, operations say so with status 503", async () => {
    const databaseUrl = `postgresql://nobody:none@127.0.0.1:${await freePort()}/none`;
    const store = openStore({ databaseUrl, log: silentLog });
    for (const operation of [() => store.ping(), () => store.loadSearch("x"), () => store.deleteSearch("x")]) {
      await expect(operation()).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE", status: 503 });
    }
    await store.close();
  });

  test("drops every connection, the store is whole again at once", async () => {
    const search = await plantSearch(opened.store);
    await opened.database.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    await until(async () => {
      return (await opened.store.loadSearch(search.id).catch(() => null)) !== null;
    });
    expect(await opened.store.changeSearchState(search.id, "paused")).toMatchObject({ state: "paused" });
  });
});
