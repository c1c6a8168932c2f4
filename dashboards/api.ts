// The only door to the service: every request of the dashboard is here, and what comes in is converted here.
import type * as wire from "../services/api/schemas.ts";
import { readEvents } from "./sse.ts";

type DateKey = "createdAt" | "startedAt" | "finishedAt" | "heartbeatAt" | "at";

/** An answer as the pages see it: times are dates. */
export type Dated<T> = T extends readonly (infer Item)[]
  ? Dated<Item>[]
  : T extends object
    ? { [K in keyof T]: K extends DateKey ? (null extends T[K] ? Date | null : Date) : Dated<T[K]> }
    : T;

export type SearchSummary = Dated<wire.SearchSummary>;
export type Search = Dated<wire.Search>;
export type Candidate = Dated<wire.Candidate>;
export type CandidateDetail = Dated<wire.CandidateDetail>;
export type Evaluation = Dated<wire.Evaluation>;
export type Front = Dated<wire.Front>;
export type Hypervolume = Dated<wire.Hypervolume>;
export type OperatorInfo = Dated<wire.OperatorInfo>;
export type WorkerInfo = Dated<wire.WorkerInfo>;
export type Page<T> = { items: T[]; nextCursor: string | null };
export type SearchState = SearchSummary["state"];
export type EvaluationState = Evaluation["state"];
export type SearchAction = "pause" | "resume" | "stop" | "cancel";

/** A value that the service refused: where it stands in the request, and why. */
export interface Refusal {
  readonly pointer: string;
  readonly detail: string;
}

/** Anything but a good answer; `status` is 0 when there was no answer at all. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly refusals: readonly Refusal[];
  readonly requestId: string | null;

  constructor(message: string, status: number, code: string, refusals: readonly Refusal[] = [], requestId?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.refusals = refusals;
    this.requestId = requestId ?? null;
  }
}

export const api = {
  session: (signal?: AbortSignal) => get<{ authenticated: boolean }>("session", signal),
  signIn: (apiKey: string) => send<void>("POST", "session", { apiKey }),
  signOut: () => send<void>("DELETE", "session"),

  searches: (query: { cursor?: string | null; state?: string; limit?: number }, signal?: AbortSignal) =>
    get<Page<SearchSummary>>(`searches${queryString(query)}`, signal),
  search: (id: string, signal?: AbortSignal) => get<Search>(`searches/${encodeURIComponent(id)}`, signal),
  createSearch: (config: unknown, idempotencyKey: string) =>
    send<Search>("POST", "searches", config, { "idempotency-key": idempotencyKey }),
  act: (id: string, action: SearchAction) => send<unknown>("POST", `searches/${encodeURIComponent(id)}/${action}`),
  deleteSearch: (id: string) => send<void>("DELETE", `searches/${encodeURIComponent(id)}`),

  candidates: (
    searchId: string,
    query: { cursor?: string | null; limit?: number; state?: string; sort?: string },
    signal?: AbortSignal,
  ) => get<Page<Candidate>>(`searches/${encodeURIComponent(searchId)}/candidates${queryString(query)}`, signal),
  candidate: (searchId: string, number: number, signal?: AbortSignal) =>
    get<CandidateDetail>(`searches/${encodeURIComponent(searchId)}/candidates/${number}`, signal),
  exportAddress: (searchId: string, number: number) =>
    `api/v1/searches/${encodeURIComponent(searchId)}/candidates/${number}/export`,

  front: (searchId: string, signal?: AbortSignal) =>
    get<Front>(`searches/${encodeURIComponent(searchId)}/front`, signal),
  hypervolume: (searchId: string, signal?: AbortSignal) =>
    get<Hypervolume>(`searches/${encodeURIComponent(searchId)}/hypervolume`, signal),
  operators: (signal?: AbortSignal) => get<OperatorInfo[]>("operators", signal).then(itemsOf),
  workers: (signal?: AbortSignal) => get<WorkerInfo[]>("workers", signal).then(itemsOf),
};

let tellSignedOut: () => void = () => undefined;

/** Runs whenever the service says that this browser is not (or no longer) signed in. */
export function whenSignedOut(tell: () => void): void {
  tellSignedOut = tell;
}

const get = <T>(path: string, signal?: AbortSignal) => request<T>(path, { ...(signal && { signal }) });

const send = <T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  request<T>(path, {
    method,
    headers: { ...headers, ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

async function request<T>(path: string, init: RequestInit): Promise<T> {
  const answer = await reach(path, init);
  const text = await answer.text();
  if (text === "") return undefined as T;
  try {
    return JSON.parse(text, revive) as T;
  } catch {
    throw new ApiError("The service sent something that is not JSON.", answer.status, "NOT_JSON");
  }
}

/** Addresses are relative to the page, so the dashboard works under a sub-path. */
async function reach(path: string, init: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(`api/v1/${path}`, { credentials: "same-origin", ...init });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new ApiError("The service cannot be reached. Is it running?", 0, "UNREACHABLE");
  }
  if (answer.ok) return answer;
  const error = toError(answer.status, await answer.text().catch(() => ""));
  if (error.status === 401 && path !== "session") tellSignedOut();
  throw error;
}

/** problem+json (RFC 9457) in, ApiError out; other bodies keep their status and nothing else. */
export function toError(status: number, text: string): ApiError {
  try {
    const problem = JSON.parse(text) as Partial<wire.Problem>;
    const message = problem.detail || problem.title;
    if (message) return new ApiError(message, status, problem.code ?? "UNKNOWN", problem.errors, problem.requestId);
  } catch {
    // Not from our service: a proxy in between, or nothing at all.
  }
  return new ApiError(`The service answered ${status} without saying why.`, status, "UNKNOWN");
}

const dateKeys: ReadonlySet<string> = new Set<DateKey>(["createdAt", "startedAt", "finishedAt", "heartbeatAt", "at"]);

function revive(key: string, value: unknown): unknown {
  return typeof value === "string" && dateKeys.has(key) ? new Date(value) : value;
}

function itemsOf<T>(answer: T[] | Page<T>): T[] {
  return Array.isArray(answer) ? answer : answer.items;
}

function queryString(query: Readonly<Record<string, string | number | null | undefined>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text === "" ? "" : `?${text}`;
}

export type Connection = "connecting" | "live" | "reconnecting";

export interface Follower {
  readonly onEvent: (type: string) => void;
  readonly onConnection: (state: Connection) => void;
}

/** Keeps a stream of events open until the returned function is called; a broken one is resumed where it ended. */
export function followEvents(searchId: string | null, follower: Follower): () => void {
  const abort = new AbortController();
  void keepFollowing(searchId, follower, abort.signal);
  return () => abort.abort();
}

async function keepFollowing(searchId: string | null, follower: Follower, signal: AbortSignal): Promise<void> {
  const path = `events${queryString({ searchId })}`;
  let lastEventId = "";
  let failures = 0;
  while (!signal.aborted) {
    try {
      const headers = { accept: "text/event-stream", ...(lastEventId && { "last-event-id": lastEventId }) };
      const answer = await reach(path, { headers, signal });
      follower.onConnection("live");
      failures = 0;
      if (answer.body) {
        for await (const event of readEvents(answer.body)) {
          lastEventId = event.id || lastEventId;
          if (event.data !== null) follower.onEvent(event.type);
        }
      }
    } catch (error) {
      if (signal.aborted || (error instanceof ApiError && error.status === 401)) return;
    }
    if (signal.aborted) return;
    follower.onConnection("reconnecting");
    await new Promise((resolve) => setTimeout(resolve, Math.min(15_000, 500 * 2 ** failures)));
    failures += 1;
  }
}
