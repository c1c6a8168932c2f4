// Searches: submitted once, listed, steered, removed.
import { createHash } from "node:crypto";
import { z } from "zod";
import { searchChanges, searchConfig } from "../../../genome/space.ts";
import { AppError } from "../../platform/errors.ts";
import { ringSearch } from "../../platform/reconcile.ts";
import type { Search, SearchState } from "../../platform/store/types.ts";
import type { Api, ApiOptions } from "../api.ts";
import { openCursor, sealPage } from "../cursor.ts";
import { callerOf } from "../plugins/authentication.ts";
import { idempotencyHeaders, page, search, searchesQuery, searchPath, searchSummary } from "../schemas.ts";
import { describeSearch, summarizeSearches } from "../search-answers.ts";
import { beginAlgorithm } from "../search-check.ts";

const tags = ["Searches"];

const verbs = {
  pause: { to: "paused", summary: "Hand out no new work; what runs goes on" },
  resume: { to: "running", summary: "Hand out work again" },
  stop: { to: "stopping", summary: "Finish what runs, then end" },
  cancel: { to: "cancelled", summary: "End now; what runs is killed" },
} as const satisfies Record<string, { to: SearchState; summary: string }>;

declare module "fastify" {
  interface FastifyRequest {
    /** The body before its defaults were filled in. */
    given: unknown;
  }
}

export function routeSearches(app: Api, { store, queues, log }: ApiOptions): void {
  app.decorateRequest("given", null);

  app.post(
    "/searches",
    {
      schema: {
        ...{ tags, summary: "Submit a search" },
        body: searchConfig,
        headers: idempotencyHeaders,
        response: { 201: search },
      },
      preValidation: async (request) => {
        request.given = request.body;
      },
    },
    async (request, reply) => {
      const config = request.body;
      const algorithmState = beginAlgorithm(config, request.given);
      const key = request.headers["idempotency-key"];
      const { search: stored, created } = await store.createSearch({
        ...{ config, algorithmState },
        apiKeyId: callerOf(request).keyId,
        idempotency: key === undefined ? null : { key, digest: digestOf(request.given) },
      });
      if (created) ring(stored);
      else reply.header("idempotent-replayed", "true");
      return (
        reply
          .status(201)
          // Relative to the request's own address, so that it holds under any path of a proxy.
          .header("location", `searches/${stored.id}`)
          .send(await describeSearch(store, stored))
      );
    },
  );

  app.get(
    "/searches",
    {
      schema: {
        ...{ tags, summary: "Searches, newest first" },
        querystring: searchesQuery,
        response: { 200: page(searchSummary) },
      },
    },
    async (request) => {
      const { state: states, limit, cursor } = request.query;
      const listing = `searches ${states ?? ""}`;
      const found = await store.listSearches({
        limit,
        ...(states && { states }),
        ...openCursor(cursor, listing, callerOf(request)),
      });
      const items = await summarizeSearches(store, found.items);
      return sealPage({ items, nextCursor: found.nextCursor }, listing, callerOf(request));
    },
  );

  app.get(
    "/searches/:id",
    { schema: { tags, summary: "One search", params: searchPath, response: { 200: search } } },
    async ({ params }) => describeSearch(store, present(await store.loadSearch(params.id), params.id)),
  );

  for (const [verb, { to, summary }] of Object.entries(verbs)) {
    app.post(
      `/searches/:id/${verb}`,
      {
        schema: {
          ...{ tags, summary },
          description: "Without effect where the search is in that state already.",
          params: searchPath,
          body: z.strictObject({}).nullish(),
          response: { 200: search },
        },
      },
      async ({ params }) => {
        const changed = present(await store.changeSearchState(params.id, to), params.id);
        ring(changed);
        return describeSearch(store, changed);
      },
    );
  }

  app.patch(
    "/searches/:id",
    {
      schema: {
        ...{ tags, summary: "Change the budget and the concurrency" },
        description: "What is left out stays. No budget can be set below what is spent of it or reserved.",
        params: searchPath,
        body: searchChanges,
        response: { 200: search },
      },
    },
    async ({ params, body }) => {
      const changed = present(await store.changeSearchLimits(params.id, body), params.id);
      ring(changed);
      return describeSearch(store, changed);
    },
  );

  app.delete(
    "/searches/:id",
    {
      schema: {
        tags,
        summary: "Remove a search; what runs is killed",
        params: searchPath,
        response: { 204: z.null() },
      },
    },
    async ({ params }, reply) => {
      if (!(await store.deleteSearch(params.id))) present(null, params.id);
      return reply.status(204).send(null);
    },
  );

  /** Nobody waits for the bell: the row is stored, and where the bell is broken the reconciler finds it. */
  function ring({ id }: Search): void {
    ringSearch(store, queues, id).catch((error) => log.warn({ searchId: id, err: error }, "search not rung for"));
  }
}

export function present(found: Search | null, id: string): Search {
  if (found === null) throw new AppError("SEARCH_NOT_FOUND", `there is no search ${id}`);
  return found;
}

/** Of the JSON value, so that spaces and the order of keys do not make another request. */
function digestOf(body: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(sortKeys(body)))
    .digest("hex");
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sortKeys(item)]));
}
