// API keys: shown once when made, stored as digests.
import { createHash, randomBytes } from "node:crypto";
import type { Database } from "./database.ts";
import { newId } from "./ids.ts";
import { iso, isoOrNull } from "./rows.ts";
import type { ApiKey } from "./types.ts";

/** The digest of 256 random bits needs neither salt nor a slow hash. */
function digestOf(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}

export async function createApiKey({ queries }: Database, name: string): Promise<{ id: string; key: string }> {
  const key = `starling_${randomBytes(32).toString("base64url")}`;
  const { id } = await queries.apiKey.create({ data: { id: newId(10), name, digest: digestOf(key) } });
  return { id, key };
}

/** Null for an unknown or revoked key. Notes the use at most once a minute. */
export async function verifyApiKey({ queries }: Database, key: string): Promise<{ id: string; name: string } | null> {
  const rows = await queries.$queryRaw<{ id: string; name: string }[]>`
    WITH valid AS (
      SELECT id, name, last_used_at FROM api_keys WHERE digest = ${digestOf(key)} AND revoked_at IS NULL
    ), noted AS (
      UPDATE api_keys SET last_used_at = now() FROM valid
      WHERE api_keys.id = valid.id AND (valid.last_used_at IS NULL OR valid.last_used_at < now() - interval '1 minute')
    )
    SELECT id, name FROM valid`;
  return rows[0] ?? null;
}

/** Oldest first, revoked ones included. */
export async function listApiKeys({ queries }: Database): Promise<ApiKey[]> {
  const rows = await queries.apiKey.findMany({ orderBy: [{ createdAt: "asc" }, { id: "asc" }] });
  return rows.map(({ id, name, createdAt, lastUsedAt, revokedAt }) => ({
    ...{ id, name, createdAt: iso(createdAt), lastUsedAt: isoOrNull(lastUsedAt), revokedAt: isoOrNull(revokedAt) },
  }));
}

/** False where there is no such key, or it was revoked before. */
export async function revokeApiKey({ queries }: Database, id: string): Promise<boolean> {
  return (
    (await queries.$executeRaw`
    UPDATE api_keys SET revoked_at = now() WHERE id = ${id} AND revoked_at IS NULL`) > 0
  );
}
