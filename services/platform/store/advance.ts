// One round of a search's algorithm: tell it the new results, take its proposals, store both, all or nothing.
import type { SearchConfig } from "../../../genome/space.ts";
import { Prisma } from "../../../prisma/client/client.ts";
import { AppError } from "../errors.ts";
import type { Database, Queries } from "./database.ts";
import { appendEvents, type NewEvent } from "./events.ts";
import { candidateId, evaluationId } from "./ids.ts";
import { knownGenomes } from "./known-genomes.ts";
import { lockResultKeys, reuseResults } from "./results.ts";
import { isFinal } from "./search-states.ts";
import { enterState, loadSearch, lockSearch, readSpending } from "./searches.ts";
import { finishedEvents, lockCandidates, settleCandidates } from "./settle.ts";
import type {
  Advance,
  Advanced,
  AdvanceView,
  CandidateResult,
  Promotion,
  Proposal,
  Search,
  Spending,
} from "./types.ts";

/** Pure: it may be called again for the same moment if the transaction is lost. Null means nothing to do. */
export type Decide = (view: AdvanceView) => Advance | null | Promise<Advance | null>;

/** Null where the search is gone or has ended. A queued search begins to run. */
export async function advanceSearch(db: Database, id: string, decide: Decide): Promise<Advanced | null> {
  return db.transaction(async (queries) => {
    let search = await lockSearch(queries, id);
    if (search === null || isFinal(search.state)) return null;
    const events: NewEvent[] = [];
    if (search.state === "queued") {
      events.push(...(await enterState(queries, search, "running", null)));
      search = { ...search, state: "running" };
    }
    const view = await look(db, queries, search);
    const advance = await decide(view);
    if (advance === null) {
      await appendEvents(queries, events);
      return { search: await reload(queries, id), waiting: [], again: false };
    }

    await tell(queries, search, view.results, advance);
    const { waiting, pruned, finished } = await propose(queries, search, view, advance);
    await storeState(queries, search, view, advance);
    events.push(advancedEvent(id, view, advance), ...pruned, ...finishedEvents(finished));
    if (advance.end !== undefined) {
      events.push(...(await enterState(queries, search, advance.end.state, advance.end.reason)));
    }
    await appendEvents(queries, events);
    return { search: await reload(queries, id), waiting, again: pruned.length + finished.length > 0 };
  });
}

async function look(db: Database, queries: Queries, search: Search): Promise<AdvanceView> {
  const [row] = await queries.$queryRaw<{ algorithm_state: unknown; next_number: number }[]>`
    SELECT algorithm_state, next_number FROM searches WHERE id = ${search.id}`;
  const [unfinished] = await queries.$queryRaw<{ waiting: number; running: number }[]>`
    SELECT count(*) FILTER (WHERE state = 'waiting')::int AS waiting,
           count(*) FILTER (WHERE state = 'running')::int AS running
    FROM candidates WHERE search_id = ${search.id} AND state IN ('waiting', 'running')`;
  if (row === undefined || unfinished === undefined) throw new Error(`search ${search.id} vanished under its lock`);
  const remaining = search.state === "running" ? search.config.budget.candidates - search.proposed : 0;
  return {
    search,
    algorithmState: row.algorithm_state,
    results: await untold(queries, search.id, search.config),
    known: await knownGenomes(db, queries, search.id, row.next_number),
    inRungs: await unfinishedInRungs(queries, search),
    unfinished,
    nextNumber: row.next_number,
    remaining,
    allowance: await allowanceOf(queries, search),
  };
}

async function allowanceOf(queries: Queries, { id, state, config }: Search): Promise<Spending> {
  const { evaluations, flops } = config.budget;
  if (state !== "running") return { evaluations: 0, flops: 0 };
  if (evaluations === null && flops === null) return { evaluations: Infinity, flops: Infinity };
  const spent = await readSpending(queries, id);
  const left = (limit: number | null, used: number) => (limit === null ? Infinity : Math.max(0, limit - used));
  return { evaluations: left(evaluations, spent.evaluations), flops: left(flops, spent.flops) };
}

type ResultRow = Omit<
  CandidateResult,
  "genomeHash" | "knownDesign" | "stateBytes" | "flopsPerToken" | "taskScores" | "stepMs"
> & {
  genome_hash: string;
  known_design: string | null;
  state_bytes: number;
  flops_per_token: number;
  task_scores: Record<string, number>;
  step_ms: number | null;
  is_final: boolean;
  rung_scores: number[];
};

const resultColumns = Prisma.sql`
  id, number, generation, genome, genome_hash, known_design, state, outcome, reason, parameters, state_bytes,
  flops_per_token, feasible, score, task_scores, step_ms, rung, cohort, is_final, rung_scores`;

async function untold(queries: Queries, searchId: string, { deterministic }: SearchConfig): Promise<CandidateResult[]> {
  const unfinished = Prisma.sql`
    SELECT min(number) FROM candidates
    WHERE search_id = ${searchId} AND told_order IS NULL AND state IN ('waiting', 'running')`;
  const rows = await queries.$queryRaw<ResultRow[]>`
    SELECT ${resultColumns}
    FROM candidates
    WHERE search_id = ${searchId} AND told_order IS NULL AND state NOT IN ('waiting', 'running')
      ${deterministic ? Prisma.sql`AND number < coalesce((${unfinished}), 2147483647)` : Prisma.empty}
    ORDER BY ${deterministic ? Prisma.sql`number` : Prisma.sql`finished_at, number`}`;
  return rows.map(toResult);
}

/** Only searches with rungs have any. */
async function unfinishedInRungs(queries: Queries, { id, config }: Search): Promise<CandidateResult[]> {
  if (config.fidelity === null) return [];
  const rows = await queries.$queryRaw<ResultRow[]>`
    SELECT ${resultColumns} FROM candidates
    WHERE search_id = ${id} AND state IN ('waiting', 'running') AND NOT is_final ORDER BY number`;
  return rows.map(toResult);
}

function toResult({
  genome_hash,
  known_design,
  state_bytes,
  flops_per_token,
  task_scores,
  step_ms,
  ...row
}: ResultRow) {
  const { is_final, rung_scores, ...rest } = row;
  return {
    ...rest,
    genomeHash: genome_hash,
    knownDesign: known_design,
    stateBytes: state_bytes,
    flopsPerToken: flops_per_token,
    taskScores: task_scores,
    stepMs: step_ms,
    isFinal: is_final,
    rungScores: rung_scores,
  };
}

/** Marks the results as told, each with its place in the order and the hypervolume after it. */
async function tell(
  queries: Queries,
  search: Search,
  results: readonly CandidateResult[],
  { hypervolumes }: Advance,
): Promise<void> {
  if (results.length === 0) return;
  const told = results.map(({ id, number }, index) => ({
    id,
    place: search.told + index,
    hypervolume: hypervolumes?.get(number) ?? null,
  }));
  await queries.$executeRaw`
    UPDATE candidates SET told_order = told.place, hypervolume = told.hypervolume
    FROM jsonb_to_recordset(${JSON.stringify(told)}::jsonb) AS told(id text, place int, hypervolume float8)
    WHERE candidates.id = told.id`;
}

async function propose(queries: Queries, search: Search, view: AdvanceView, advance: Advance) {
  const { proposals, promotions = [], stopped = [] } = advance;
  if (proposals.length + promotions.length + stopped.length === 0) return { waiting: [], pruned: [], finished: [] };
  assertWithinBudget(search, view, advance);
  const candidates = proposals.map((proposal, index) => describe(search.id, view.nextNumber + index, proposal));
  const begun = proposals.map((proposal, index) => ({
    ...{ number: view.nextNumber + index, rung: 0, firstPosition: 0, evaluations: proposal.evaluations },
  }));
  const evaluations = [...begun, ...promotions].flatMap(({ number, rung, firstPosition, evaluations }) =>
    evaluations.map((evaluation, index) => {
      const candidate = candidateId(search.id, number);
      const position = firstPosition + index;
      return { id: evaluationId(candidate, position), candidate, position, rung, ...evaluation };
    }),
  );
  const keys = evaluations.map(({ resultKey }) => resultKey);
  await lockResultKeys(queries, keys);
  await moveOn(queries, search.id, promotions);
  await stop(queries, search.id, stopped);
  await queries.$executeRaw`
    INSERT INTO candidates (id, search_id, number, generation, genome, genome_hash, known_design, parents, variation,
                            parameters, state_bytes, flops_per_token, feasible, is_final, cohort, paid_evaluations, paid_flops,
                            state, message, finished_at)
    SELECT id, ${search.id}, number, generation, genome, "genomeHash", "knownDesign", parents, variation,
           parameters, "stateBytes", "flopsPerToken", feasible, "isFinal", cohort, "paidEvaluations", "paidFlops",
           CASE WHEN pruned IS NULL THEN 'waiting' ELSE 'pruned' END::"EvaluationState", pruned,
           CASE WHEN pruned IS NOT NULL THEN clock_timestamp() END
    FROM jsonb_to_recordset(${JSON.stringify(candidates)}::jsonb) AS proposed(
      id text, number int, generation int, genome text, "genomeHash" text, "knownDesign" text, parents int[],
      variation jsonb, parameters float8, "stateBytes" float8, "flopsPerToken" float8, feasible boolean,
      "isFinal" boolean, cohort int, "paidEvaluations" int, "paidFlops" float8, pruned text)`;
  await queries.$executeRaw`
    INSERT INTO evaluations (id, search_id, candidate_id, position, rung, task, setting, result_key, seed, flops)
    SELECT id, ${search.id}, candidate, position, rung, task, setting, "resultKey", seed, flops
    FROM jsonb_to_recordset(${JSON.stringify(evaluations)}::jsonb) AS proposed(
      id text, candidate text, position int, rung int, task text, setting jsonb, "resultKey" text, seed bigint,
      flops float8)`;
  const promoted = promotions.map(({ number }) => candidateId(search.id, number));
  const reused = await reuseResults(queries, keys);
  const finished = await settleCandidates(queries, [...new Set([...promoted, ...reused])]);

  const waiting = await queries.$queryRaw<{ id: string }[]>`
    SELECT evaluations.id FROM evaluations JOIN candidates ON candidates.id = candidate_id
    WHERE candidate_id = ANY(${[...promoted, ...candidates.map(({ id }) => id)]}) AND evaluations.state = 'waiting'
    ORDER BY number, position`;
  const pruned = [
    ...candidates.filter((candidate) => candidate.pruned !== null),
    ...stopped.map(({ number }) => ({ id: candidateId(search.id, number), number })),
  ];
  return {
    waiting: waiting.map(({ id }) => id),
    finished,
    pruned: finishedEvents(
      pruned.map(({ id, number }) => ({
        ...{ id, number, searchId: search.id, state: "pruned", outcome: null, reason: null, score: null },
      })),
    ),
  };
}

/** The candidates go on to their rung and are no longer waiting for a decision. */
async function moveOn(queries: Queries, searchId: string, promotions: readonly Promotion[]): Promise<void> {
  if (promotions.length === 0) return;
  const moved = promotions.map(({ number, rung, isFinal }) => ({ id: candidateId(searchId, number), rung, isFinal }));
  await lockCandidates(
    queries,
    moved.map(({ id }) => id),
  );
  await queries.$executeRaw`
    UPDATE candidates SET rung = moved.rung, is_final = moved."isFinal"
    FROM jsonb_to_recordset(${JSON.stringify(moved)}::jsonb) AS moved(id text, rung int, "isFinal" boolean)
    WHERE candidates.id = moved.id AND candidates.state = 'waiting'`;
}

async function stop(queries: Queries, searchId: string, stopped: NonNullable<Advance["stopped"]>): Promise<void> {
  if (stopped.length === 0) return;
  const ended = stopped.map(({ number, message }) => ({ id: candidateId(searchId, number), message }));
  await lockCandidates(
    queries,
    ended.map(({ id }) => id),
  );
  await queries.$executeRaw`
    UPDATE candidates SET state = 'pruned', message = ended.message, finished_at = clock_timestamp()
    FROM jsonb_to_recordset(${JSON.stringify(ended)}::jsonb) AS ended(id text, message text)
    WHERE candidates.id = ended.id AND candidates.state = 'waiting'`;
}

function assertWithinBudget({ id, state }: Search, view: AdvanceView, { proposals, promotions = [] }: Advance): void {
  const evaluations = [...proposals, ...promotions].flatMap((one) => one.evaluations);
  const asked = [
    ["candidates", proposals.filter(({ knownDesign }) => knownDesign == null).length, view.remaining],
    ["evaluations", evaluations.length, view.allowance.evaluations],
    ["flops", evaluations.reduce((sum, { flops }) => sum + flops, 0), view.allowance.flops],
  ] as const;
  for (const [what, count, left] of asked) {
    if (count <= left) continue;
    const message = `search ${id} is ${state}: ${count} ${what} proposed, ${left} left in its budget`;
    throw new AppError("BUDGET_EXCEEDED", message);
  }
}

function describe(searchId: string, number: number, proposal: Proposal) {
  const { evaluations, pruned = null, isFinal = true, cohort = null, ...rest } = proposal;
  const place = `search ${searchId}, candidate ${number} (${proposal.genome})`;
  if ((evaluations.length === 0) !== (pruned !== null)) {
    throw new Error(`${place}: ${evaluations.length} evaluations, pruned: ${pruned}`);
  }
  for (const cost of ["parameters", "stateBytes", "flopsPerToken"] as const) {
    if (!Number.isFinite(proposal[cost])) throw new Error(`${place}: ${cost} is ${proposal[cost]}`);
  }
  const paidFlops = evaluations.reduce((sum, { flops }) => sum + flops, 0);
  return {
    ...{ id: candidateId(searchId, number), number, pruned, isFinal, cohort, ...rest },
    ...{ paidEvaluations: evaluations.length, paidFlops },
  };
}

async function storeState(queries: Queries, search: Search, view: AdvanceView, advance: Advance): Promise<void> {
  const { algorithmState, proposals, generation = search.generation } = advance;
  const referencePoint = advance.referencePoint ?? search.referencePoint;
  const last = view.results.at(-1);
  const hypervolume = (last && advance.hypervolumes?.get(last.number)) ?? search.hypervolume;
  const proposed = proposals.filter(({ knownDesign }) => knownDesign == null).length;
  await queries.$executeRaw`
    UPDATE searches SET
      algorithm_state = ${JSON.stringify(algorithmState)}::jsonb,
      next_number = next_number + ${proposals.length},
      proposed = proposed + ${proposed},
      told = told + ${view.results.length},
      generation = ${generation},
      reference_point = ${referencePoint === null ? null : JSON.stringify(referencePoint)}::jsonb,
      hypervolume = ${hypervolume}
    WHERE id = ${search.id}`;
}

function advancedEvent(
  searchId: string,
  view: AdvanceView,
  { proposals, generation, hypervolumes }: Advance,
): NewEvent {
  const last = view.results.at(-1);
  return {
    type: "search.advanced",
    searchId,
    data: {
      told: view.results.length,
      proposed: proposals.length,
      firstNumber: view.nextNumber,
      generation: generation ?? view.search.generation,
      hypervolume: (last && hypervolumes?.get(last.number)) ?? view.search.hypervolume,
    },
  };
}

async function reload(queries: Queries, id: string): Promise<Search> {
  const search = await loadSearch({ queries }, id);
  if (search === null) throw new Error(`search ${id} vanished under its lock`);
  return search;
}
