// Files by content: the id is the SHA-256 of the bytes, so that storing a file twice costs nothing.
import { createHash } from "node:crypto";
import { AppError } from "../errors.ts";
import type { Database } from "./database.ts";
import { iso } from "./rows.ts";
import type { Artifact } from "./types.ts";

const chunkBytes = 256 * 1024;

export async function putArtifact(db: Database, content: Uint8Array, mediaType: string): Promise<Artifact> {
  const id = createHash("sha256").update(content).digest("hex");
  await db.transaction(async (queries) => {
    const inserted = await queries.$executeRaw`
      INSERT INTO artifacts (id, media_type, bytes) VALUES (${id}, ${mediaType}, ${content.byteLength})
      ON CONFLICT (id) DO NOTHING`;
    if (inserted === 0) return;
    for (let start = 0, position = 0; start < content.byteLength; start += chunkBytes, position++) {
      const chunk = new Uint8Array(content.subarray(start, start + chunkBytes));
      await queries.artifactChunk.create({ data: { artifactId: id, position, content: chunk } });
    }
  });
  const artifact = await findArtifact(db, id);
  if (artifact === null) throw new Error(`artifact ${id} vanished`);
  return artifact;
}

export async function findArtifact({ queries }: Database, id: string): Promise<Artifact | null> {
  const row = await queries.artifact.findUnique({ where: { id } });
  return row && { ...row, createdAt: iso(row.createdAt) };
}

/** The bytes, a chunk at a time. Throws ARTIFACT_DAMAGED at the end if they are not what the id says. */
export async function* readArtifact({ queries }: Database, id: string): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash("sha256");
  for (let position = 0; ; position++) {
    const chunk = await queries.artifactChunk.findUnique({
      where: { artifactId_position: { artifactId: id, position } },
    });
    if (chunk === null) break;
    hash.update(chunk.content);
    yield chunk.content;
  }
  if (hash.digest("hex") !== id)
    throw new AppError("ARTIFACT_DAMAGED", `the stored bytes of artifact ${id} have another hash`);
}
