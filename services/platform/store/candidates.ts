// Reading candidates: pages, one in detail, and the compact list that fronts are computed from.
import { z } from "zod";
import type { Prisma } from "../../../prisma/client/client.ts";
import { decodeCursor, pageOf } from "./cursor.ts";
import type { Database } from "./database.ts";
import { toCandidate, toEvaluation } from "./rows.ts";
import type { Candidate, CandidateDetail, CandidateQuery, CandidateResult, CandidateSort, Page } from "./types.ts";

export async function listCandidates(
  { queries }: Database,
  searchId: string,
  { states, sort = "number", order = "ascending", cursor, limit }: CandidateQuery,
): Promise<Page<Candidate>> {
  const rows = await queries.candidate.findMany({
    where: {
      searchId,
      ...(states === undefined ? {} : { state: { in: [...states] } }),
      ...(cursor == null ? {} : after(cursor, sort, order)),
    },
    orderBy: orderBy(sort, order),
    take: limit + 1,
  });
  return pageOf(rows, limit, (row) => (sort === "number" ? [row.number] : [row[sort], row.number]), toCandidate);
}

/** Not known of every candidate. */
const nullable: ReadonlySet<CandidateSort> = new Set(["score", "stepMs"]);

function orderBy(sort: CandidateSort, order: "ascending" | "descending") {
  const direction = order === "ascending" ? ("asc" as const) : ("desc" as const);
  if (sort === "number") return [{ number: direction }];
  const first = nullable.has(sort) ? { [sort]: { sort: direction, nulls: "last" as const } } : { [sort]: direction };
  return [first, { number: "asc" as const }];
}

/** What follows the cursor's row in the order of `orderBy`; equal values are ordered by number. */
function after(cursor: string, sort: CandidateSort, order: "ascending" | "descending"): Prisma.CandidateWhereInput {
  const beyond = (value: number) => (order === "ascending" ? { gt: value } : { lt: value });
  if (sort === "number") return { number: beyond(decodeCursor(cursor, z.tuple([z.number()]))[0]) };
  const [value, number] = decodeCursor(cursor, z.tuple([z.number().nullable(), z.number()]));
  const equal = { [sort]: value, number: { gt: number } };
  if (!nullable.has(sort)) return { OR: [{ [sort]: beyond(value ?? 0) }, equal] };
  return value === null ? equal : { OR: [{ [sort]: beyond(value) }, equal, { [sort]: null }] };
}

export async function loadCandidate(
  { queries }: Database,
  searchId: string,
  number: number,
): Promise<CandidateDetail | null> {
  const row = await queries.candidate.findUnique({
    where: { searchId_number: { searchId, number }, search: { deletedAt: null } },
    include: { evaluations: { orderBy: { position: "asc" } } },
  });
  if (row === null) return null;
  const { evaluations, ...candidate } = row;
  const children = await queries.candidate.findMany({
    where: { searchId, parents: { has: number } },
    orderBy: { number: "asc" },
    select: { number: true },
  });
  return {
    ...toCandidate(candidate),
    children: children.map((child) => child.number),
    evaluations: evaluations.map(toEvaluation),
  };
}

/** In order of number; numbers without a candidate are left out. */
export async function loadCandidates(
  { queries }: Database,
  searchId: string,
  numbers: readonly number[],
): Promise<Candidate[]> {
  const rows = await queries.candidate.findMany({
    where: { searchId, number: { in: [...numbers] } },
    orderBy: { number: "asc" },
  });
  return rows.map(toCandidate);
}

export type CompleteCandidate = Pick<
  CandidateResult,
  "number" | "knownDesign" | "feasible" | "parameters" | "stateBytes" | "flopsPerToken" | "taskScores" | "stepMs"
> & { score: number };

/** Every complete candidate in order of number, with its objectives only. */
export async function completeCandidates({ queries }: Database, searchId: string): Promise<CompleteCandidate[]> {
  return queries.$queryRaw<CompleteCandidate[]>`
    SELECT number, known_design AS "knownDesign", feasible, score, parameters, state_bytes AS "stateBytes",
           flops_per_token AS "flopsPerToken", task_scores AS "taskScores", step_ms AS "stepMs"
    FROM candidates WHERE search_id = ${searchId} AND state = 'complete' ORDER BY number`;
}
