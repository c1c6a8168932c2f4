// Signed-in browsers: a random token in a cookie stands for an API key until it expires, is ended, or the key is revoked.
import { createHash, randomBytes } from "node:crypto";
import type { Database } from "./database.ts";
import { iso } from "./rows.ts";

export interface Session {
  readonly apiKey: { readonly id: string; readonly name: string; readonly digest: string };
  readonly expiresAt: string;
}

/** Only its digest is stored, so whoever reads the table cannot sign in. */
function digestOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** The token is shown once. Sessions that have expired are forgotten on the way. */
export async function startSession(
  { queries }: Database,
  { apiKeyId, seconds }: { apiKeyId: string; seconds: number },
): Promise<{ token: string; expiresAt: string }> {
  const token = randomBytes(32).toString("base64url");
  await queries.$executeRaw`DELETE FROM sessions WHERE expires_at < now()`;
  const [row] = await queries.$queryRaw<{ expires_at: Date }[]>`
    INSERT INTO sessions (id, api_key_id, expires_at)
    VALUES (${digestOf(token)}, ${apiKeyId}, now() + make_interval(secs => ${seconds}))
    RETURNING expires_at`;
  return { token, expiresAt: iso(row!.expires_at) };
}

/** Null for an unknown, ended or expired session, and where its key was revoked. */
export async function verifySession({ queries }: Database, token: string): Promise<Session | null> {
  const rows = await queries.$queryRaw<{ id: string; name: string; digest: string; expires_at: Date }[]>`
    SELECT api_keys.id, api_keys.name, api_keys.digest, expires_at
    FROM sessions JOIN api_keys ON api_keys.id = api_key_id
    WHERE sessions.id = ${digestOf(token)} AND expires_at > now() AND revoked_at IS NULL`;
  const row = rows[0];
  if (row === undefined) return null;
  return { apiKey: { id: row.id, name: row.name, digest: row.digest }, expiresAt: iso(row.expires_at) };
}

/** False where there was none. */
export async function endSession({ queries }: Database, token: string): Promise<boolean> {
  return (await queries.$executeRaw`DELETE FROM sessions WHERE id = ${digestOf(token)}`) > 0;
}
