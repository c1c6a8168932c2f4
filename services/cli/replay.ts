// What a replay reads from the API, and how its finding is told.
import type { Replayed } from "../../workers/advance/replay.ts";
import type { Candidate, Page } from "../api/schemas.ts";
import type { ApiClient } from "./client.ts";
import { count } from "./output.ts";

/** Every candidate of a search, page by page, by number. */
export async function loadCandidates(client: Pick<ApiClient, "get">, id: string): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query = new URLSearchParams({ limit: "200", ...(cursor && { cursor }) });
    const page: Page<Candidate> = await client.get(`/searches/${encodeURIComponent(id)}/candidates?${query}`);
    candidates.push(...page.items);
    cursor = page.nextCursor;
  }
  return candidates;
}

export function describeReplay(id: string, { compared, difference }: Replayed): string {
  if (difference === null) return `Search ${id}: ${count(compared)} candidates replayed, no difference.`;
  const { number, field, stored, recomputed } = difference;
  const place = number === null ? "the search" : `candidate ${number}`;
  return [
    `Search ${id} differs at ${place}, ${field}, after ${count(compared)} equal candidates:`,
    `  stored      ${JSON.stringify(stored)}`,
    `  recomputed  ${JSON.stringify(recomputed)}`,
  ].join("\n");
}
